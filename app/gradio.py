"""Gradio, imported as a depot needs it: all of the app imports it from here."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # a depot has no network to report to

_file_of = inspect.getfile


def _no_stub(object: Any) -> str:
    """``inspect.getfile``, where no component of Gradio's has a file, so that it writes no stub (.pyi) of it for those who develop with it."""
    file = _file_of(object)
    if isinstance(object, type) and "gradio" in Path(file).parts:
        raise OSError(f"{object.__name__} needs no stub")
    return file


inspect.getfile = _no_stub  # writing the stubs is more than half of Gradio's start
try:
    import gradio as gr
finally:
    inspect.getfile = _file_of

__all__ = ["gr"]
