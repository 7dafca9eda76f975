"""Reasons to end a training before its last step that come from outside: a signal, or the clock."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType, TracebackType

from ocr_pipeline.errors import PipelineError


class TrainingStoppedError(PipelineError):
    """A training was asked to stop (SIGTERM), and has saved where it was."""


def stopped_at(step: int, steps: int, checkpoint: Path | None, go_on: str) -> TrainingStoppedError:
    """The error of a training that SIGTERM ended after ``step`` of ``steps``; ``go_on`` is the flag that resumes it."""
    return TrainingStoppedError(
        f"stopped by SIGTERM at step {step} of {steps}; the training is saved",
        where=checkpoint,
        remedy=f"Go on with {go_on}.",
    )


class StopSigns:
    """Watches the clock and, while entered, SIGTERM, if nobody else in this process does.

    Args:
        time_budget: seconds; None for no limit.
    """

    def __init__(self, time_budget: float | None) -> None:
        self._deadline = None if time_budget is None else time.monotonic() + time_budget
        self._installed = False
        self.terminated = False

    def __enter__(self) -> StopSigns:
        try:
            if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminate)
                self._installed = True
        except ValueError:  # not the main thread, which alone may watch signals
            self._installed = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    @property
    def time_is_up(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
