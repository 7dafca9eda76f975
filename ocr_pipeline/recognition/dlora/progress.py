"""What a training knows of itself so far: its losses and scores, the best of these, and the rows of results.csv."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ocr_pipeline.evaluation import RecognitionScores


@dataclass
class Progress:
    """Changes with every step; a checkpoint keeps all of it.

    Attributes:
        step: steps that are done.
        history: rows of results.csv; the first, of step 0, are the base's scores.
        base: scores of the base alone; best: the best of those since, of ``best_step``.
        loss_sum: of the steps since the last row.
    """

    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    base: RecognitionScores | None = None
    best: RecognitionScores | None = None
    best_step: int | None = None
    loss_sum: float = 0.0

    def begin(self, base: RecognitionScores) -> None:
        """The base alone was evaluated."""
        self.base = base
        self.history.append({"step": 0, "epoch": 0.0, **base.as_dict()})

    def advance(self, loss: float) -> None:
        """A step is done, with this loss."""
        self.step += 1
        self.loss_sum += loss

    def judge(self, scores: RecognitionScores) -> bool:
        """An evaluation gave these scores; returns whether they are the best."""
        is_best = self.best is None or scores.cer < self.best.cer
        if is_best:
            self.best, self.best_step = scores, self.step
        return is_best

    def add_row(self, epoch: float, rate: float, norm: float, scores: RecognitionScores | None) -> float:
        """A row with the mean loss since the last one, which is returned."""
        since = self.history[-1]["step"] if self.history else 0
        loss, self.loss_sum = self.loss_sum / (self.step - since), 0.0
        row = {"step": self.step, "epoch": epoch, "loss": loss, "learning_rate": rate, "gradient_norm": norm}
        self.history.append({**row, **(scores.as_dict() if scores else {})})
        return loss

    def state(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "global_step": self.step,
            "history": self.history,
            "base": self.base and self.base.as_dict(),
            "best": self.best and self.best.as_dict(),
            "best_step": self.best_step,
            "loss_sum": self.loss_sum,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be as another was when it gave this state."""
        self.step, self.history, self.loss_sum = state["global_step"], state["history"], state["loss_sum"]
        self.base, self.best = (state[name] and RecognitionScores(**state[name]) for name in ("base", "best"))
        self.best_step = state["best_step"]

    def forget_best(self) -> None:
        """The best so far is of another folder, or was judged on other crops or in another way."""
        self.best = self.best_step = None
