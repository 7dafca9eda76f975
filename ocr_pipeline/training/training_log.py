"""A training in the event log: a line now and then with step, loss and time left, whatever the stage logs itself."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

logger = logging.getLogger(__name__)


class TrainingLog:
    """Told of every step, it logs the first that comes and then one each ``every`` seconds; scores always.

    The time left is judged by the steps of this process alone: a training that goes on is not faster for that.
    """

    def __init__(self, what: str, every: float = 30.0) -> None:
        self.what, self.every = what, every
        self._first: tuple[int, float] | None = None
        self._said = -every

    def step(self, step: int, steps: int, loss: float, scores: str = "") -> None:
        """``step`` of ``steps`` is done; ``scores`` is what an evaluation gave, if there was one."""
        now = time.monotonic()
        if self._first is None:
            self._first = step, now
        if not scores and now - self._said < self.every:
            return
        self._said = now
        first, began = self._first
        left = ""
        if step > first:
            seconds = (now - began) / (step - first) * (steps - step)
            left = f", {timedelta(seconds=round(seconds))} left"
        logger.info("%s: step %d of %d, loss %.4f%s%s", self.what, step, steps, loss, scores and f", {scores}", left)
