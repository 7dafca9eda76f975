"""Progress as a line now and then: fit for a terminal, a log file and the Dagster event log alike."""

from __future__ import annotations

import logging
import math
import time
from datetime import timedelta
from typing import ClassVar

logger = logging.getLogger(__name__)


class Progress:
    """Counts work done and logs one line every few seconds, with speed and, where the total is known, time left.

    The record carries the progress itself, so that a terminal can draw it.

    Args:
        what: the stage and partition, as a person names them.
        unit: what is counted, in the plural.
        total: how many there are, or None.
        every: seconds between two lines.

    Attributes:
        watched: seconds between two lines at most, whatever the stage says; a terminal draws one over the other.
    """

    watched: ClassVar[float] = math.inf

    def __init__(self, what: str, unit: str, total: int | None = None, every: float = 5.0) -> None:
        self.what, self.unit, self.total, self.every = what, unit, total, every
        self.done = self._first = 0
        self._start = self._last = time.monotonic()

    def begin(self, done: int) -> None:
        """So many were done before: speed and time left are judged by the others."""
        self.done = self._first = done

    def advance(self, count: int = 1) -> None:
        self.done += count
        now = time.monotonic()
        if now - self._last >= min(self.every, self.watched):
            self._last = now
            logger.info("%s", self._line(now), extra={"progress": self})

    def reach(self, done: int, total: int | None = None) -> None:
        """Like `advance`, for callers that count themselves."""
        self.total = total or self.total
        self.advance(done - self.done)

    def _line(self, now: float) -> str:
        speed = (self.done - self._first) / max(now - self._start, 1e-9)
        pace = f"{speed:,.0f}/s" if speed >= 1 or not speed else f"{1 / speed:,.1f} s each"
        if not self.total:
            return f"{self.what}: {self.done:,} {self.unit} ({pace})"
        left = timedelta(seconds=round((self.total - self.done) / max(speed, 1e-9))) if speed else "?"
        return f"{self.what}: {self.done:,} of {self.total:,} {self.unit} ({pace}, {left} left)"
