"""Log lines at a terminal: as they come, and below them a bar, drawn anew, for what is under way."""

from __future__ import annotations

import logging
from typing import TextIO

from rich.console import Console
from rich.text import Text

from ocr_pipeline.progress import Progress

_CLEAR = "\r\x1b[2K"
_BAR = 24
"""Columns."""


class TerminalHandler(logging.StreamHandler):
    """A line of a `Progress` is a bar that the next one takes the place of; every other line stays."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._console = Console(file=stream, force_terminal=True)
        self._is_drawn = False

    def emit(self, record: logging.LogRecord) -> None:
        self.clear()
        progress = getattr(record, "progress", None)
        if isinstance(progress, Progress):
            self._draw(progress, record.getMessage())
        else:
            super().emit(record)

    def clear(self) -> None:
        """Take the bar away: something else is about to be written."""
        if self._is_drawn:
            self._is_drawn = False
            self.stream.write(_CLEAR)
            self.flush()

    def _draw(self, progress: Progress, line: str) -> None:
        filled = round(_BAR * progress.done / progress.total) if progress.total else 0
        bar = Text.assemble(("━" * filled, "green"), ("━" * (_BAR - filled), "dim"), " " + line)
        self._console.print(bar, end="", no_wrap=True, overflow="ellipsis", crop=True)
        self.flush()
        self._is_drawn = True
