"""What a training knows of itself so far: rows of mean losses and scores, and the best of these."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_pipeline.evaluation import DetectionScore
from ocr_pipeline.fast.checkpoints import TrainingState
from ocr_pipeline.fast.data import WORD_OUTCOMES
from ocr_pipeline.fast.losses import Losses


class Window:
    """Sums over the steps since the last row of the history; ``skipped`` counts the steps left out in all."""

    def __init__(self) -> None:
        self.skipped = 0
        self._clear()

    def _clear(self) -> None:
        self._losses, self._steps, self._words = np.zeros(len(Losses._fields)), 0, np.zeros(len(WORD_OUTCOMES))

    def add(self, losses: npt.NDArray[np.float64], words: npt.NDArray[np.float64]) -> None:
        """One step: its mean losses, and what became of its words."""
        self._losses, self._words, self._steps = self._losses + losses, self._words + words, self._steps + 1

    def close(self) -> dict[str, Any]:
        """The columns of a row, and begin anew; the losses are NaN if all steps were left out."""
        means = (self._losses / self._steps).tolist() if self._steps else [math.nan] * len(self._losses)
        columns = dict(zip(("loss", "text", "kernel", "embedding"), means, strict=True))
        words = {f"words_{fate}": round(count) for fate, count in zip(WORD_OUTCOMES, self._words.tolist(), strict=True)}
        self._clear()
        return columns | words | {"skipped": self.skipped}

    def state(self) -> dict[str, Any]:
        return {
            "sums": self._losses.tolist(),
            "steps": self._steps,
            "words": self._words.tolist(),
            "skipped": self.skipped,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._losses, self._steps = np.array(state["sums"]), state["steps"]
        self._words, self.skipped = np.array(state["words"]), state["skipped"]


class Progress:
    """The rows so far and the sums that become the next one.

    Attributes:
        history: rows of ``results.csv``.
        best: precision, recall and hmean of the best validation, and its step; empty before the first.
    """

    def __init__(self) -> None:
        self.history, self.best, self.window = list[dict[str, Any]](), dict[str, float](), Window()

    def add_row(self, step: int, epoch: int, rate: float, score: DetectionScore | None) -> bool:
        """Add the mean losses since the last row and, if there is one, the score; returns whether it is the best."""
        row = {"step": step, "epoch": epoch, "learning_rate": rate} | self.window.close()
        metric = {} if score is None else {name: getattr(score, name) for name in ("precision", "recall", "hmean")}
        self.history.append(row | metric)
        best = bool(metric) and (not self.best or metric["hmean"] > self.best["hmean"])
        if best:
            self.best = metric | {"step": step}
        return best

    def validations_since_best(self) -> int:
        return sum("hmean" in row and row["step"] > self.best["step"] for row in self.history)

    def state(self) -> dict[str, Any]:
        """The fields of a ``TrainingState`` that are its own."""
        return {"window": self.window.state(), "metric": self.best, "history": self.history}

    def restore(self, state: TrainingState) -> None:
        self.best, self.history = state.metric, state.history
        self.window.restore(state.window)
