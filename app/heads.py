"""Signs the head of the log once a day, beside whatever else the server does."""

from __future__ import annotations

import asyncio
import logging

from pestcheck.store.heads import DAY, Heads, NothingToSign

log = logging.getLogger(__name__)

FIRST_SECONDS = 60
"""After the start: whoever starts a server only to look leaves no trace in the log."""
LOOK_SECONDS = 600


async def keep_signed(heads: Heads, first: float = FIRST_SECONDS, look: float = LOOK_SECONDS) -> None:
    """Sign when the newest signed head is a day old and the log has grown, and have it stamped, until cancelled.

    Of several servers one signs: the one that has the key, and comes first.
    """
    await asyncio.sleep(first)
    told = ""
    while True:
        try:
            await asyncio.to_thread(heads.sign, older_than=DAY)
            told = ""
        except NothingToSign:
            pass
        except Exception as error:  # a key that is elsewhere, a full disk, a busy database: the next time may be better
            if str(error) != told:
                log.warning("the head of the log is not signed: %s", error)
            told = str(error)
        await asyncio.sleep(look)
