"""``python -m pestcheck``."""

from pestcheck.cli import app

app()
