"""A training in the event log: a line now and then with step, loss and time left, whatever the stage logs itself."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from datetime import timedelta

logger = logging.getLogger(__name__)

POINTS = 200


class TrainingLog:
    """Told of every step, it logs the first that comes and then one each ``every`` seconds; scores always.

    The records carry the numbers too (their ``point``: step, loss, scores), for curves that are drawn on the way by
    whoever listens, in this process or another: of losses at most ``POINTS`` and one more, evenly over the training,
    and as many of scores.

    The time left is judged by the steps of this process alone: a training that goes on is not faster for that.
    """

    def __init__(self, what: str, every: float = 30.0) -> None:
        self.what, self.every = what, every
        self._first: tuple[int, float] | None = None
        self._said = -every
        self._drawn = {False: -1, True: -1}  # without and with scores: which of the POINTS came last

    def step(self, step: int, steps: int, loss: float | None, scores: Mapping[str, float] | None = None) -> None:
        """``step`` of ``steps`` is done; ``scores`` is what an evaluation gave, the first of them in the line."""
        now = time.monotonic()
        if self._first is None:
            self._first = step, now
        if not scores and now - self._said < self.every:
            return
        self._said = now
        numbers = ({} if loss is None else {"loss": loss}) | dict(scores or {})
        shown = [f", {name} {value:.4f}" for name, value in list(numbers.items())[: 1 if loss is None else 2]]
        line = f"{self.what}: step {step} of {steps}{''.join(shown)}{self._left(step, steps, now)}"
        logger.info("%s", line, extra={"point": self._point(step, steps, numbers, bool(scores))})

    def _left(self, step: int, steps: int, now: float) -> str:
        first, began = self._first or (step, now)
        if step <= first:
            return ""
        return f", {timedelta(seconds=round((now - began) / (step - first) * (steps - step)))} left"

    def _point(self, step: int, steps: int, numbers: Mapping[str, float], scored: bool) -> dict[str, float] | None:
        """The numbers that can be drawn, unless the curve has a point there already."""
        place = step * POINTS // max(1, steps)
        if place == self._drawn[scored]:
            return None
        self._drawn[scored] = place
        return {"step": step} | {name: value for name, value in numbers.items() if math.isfinite(value)}
