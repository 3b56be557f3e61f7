"""The languages of the app are those of the library, which prints records in them, too."""

from pestcheck.i18n import LANGUAGES, best, chosen, day, messages, moment, number, percent, said, t

__all__ = ["LANGUAGES", "best", "chosen", "day", "messages", "moment", "number", "percent", "said", "t"]
