"""Progress as a line now and then: fit for a terminal, a log file and the Dagster event log alike."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)


class Progress:
    """Counts work done and logs one line every few seconds, with speed and, where the total is known, time left.

    Args:
        what: the stage and partition, as a person names them.
        unit: what is counted, in the plural.
        total: how many there are, or None.
        every: seconds between two lines.
    """

    def __init__(self, what: str, unit: str, total: int | None = None, every: float = 5.0) -> None:
        self.what, self.unit, self.total, self.every = what, unit, total, every
        self.done = 0
        self._start = self._last = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self.done += count
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            logger.info("%s", self._line(now))

    def reach(self, done: int, total: int | None = None) -> None:
        """Like `advance`, for callers that count themselves."""
        self.total = total or self.total
        self.advance(done - self.done)

    def _line(self, now: float) -> str:
        speed = self.done / max(now - self._start, 1e-9)
        if not self.total:
            return f"{self.what}: {self.done:,} {self.unit} ({speed:,.0f}/s)"
        left = (self.total - self.done) / max(speed, 1e-9)
        return f"{self.what}: {self.done:,} of {self.total:,} {self.unit} ({speed:,.0f}/s, {left:,.0f} s left)"
