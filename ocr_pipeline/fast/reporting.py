"""What a person reads or looks at of a training: rows of numbers, curves, a batch, pages with what was found."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ocr_pipeline.fast.data import FATES, Batch
from ocr_pipeline.fast.losses import Losses
from ocr_pipeline.fast.maps.pictures import Picture
from ocr_pipeline.fast.maps.views import BATCH, CURVES, VALIDATION, beside, draw_batch, draw_curves, write_picture
from ocr_pipeline.fast.settings import FastTraining
from ocr_pipeline.fast.tensorboard import open_board
from ocr_pipeline.storage.files.publishing import publish_text

log = logging.getLogger("ocr_pipeline.fast.training")

OnProgress = Callable[[dict[str, Any]], None]


class Window:
    """Sums over the steps since the last row of the history; ``skipped`` counts the steps left out in all."""

    def __init__(self) -> None:
        self.skipped = 0
        self._clear()

    def _clear(self) -> None:
        self._losses, self._steps, self._words = np.zeros(len(Losses._fields)), 0, np.zeros(len(FATES))

    def add(self, losses: npt.NDArray[np.float64], words: npt.NDArray[np.float64]) -> None:
        """One step: its mean losses, and what became of its words."""
        self._losses, self._words, self._steps = self._losses + losses, self._words + words, self._steps + 1

    def close(self) -> dict[str, Any]:
        """The columns of a row, and begin anew; the losses are NaN if all steps were left out."""
        means = (self._losses / self._steps).tolist() if self._steps else [math.nan] * len(self._losses)
        columns = dict(zip(("loss", "text", "kernel", "embedding"), means, strict=True))
        words = {f"words_{fate}": round(count) for fate, count in zip(FATES, self._words.tolist(), strict=True)}
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


class Report:
    """Writes to ``output_dir``, the log, TensorBoard if wanted, and to ``on_progress``; the first process has one."""

    def __init__(self, settings: FastTraining, steps: int, on_progress: OnProgress | None) -> None:
        self._settings, self._steps, self._on_progress = settings, steps, on_progress
        self._board = open_board(settings)

    def add_row(self, history: Sequence[dict[str, Any]], seconds: float, curves: bool) -> None:
        """The history has a new last row; draw the ``curves`` too, which take longer."""
        row, folder = history[-1], self._settings.output_dir
        publish_text(folder / "results.csv", pd.DataFrame(history).to_csv(index=False))
        if curves:
            write_picture(folder / CURVES, draw_curves(history))
        self._board(row)
        score = f", hmean {row['hmean']:.3f}" if "hmean" in row else ""
        if not self._settings.quiet:
            log.info("step %d of %d, loss %.4f%s, %.0f s", row["step"], self._steps, row["loss"], score, seconds)
        if self._on_progress is not None:
            self._on_progress(row | {"steps": self._steps, "seconds": seconds})

    def show_batch(self, batch: Batch, first: bool) -> None:
        """Keep a picture of the ``first`` batch, or of this one if there is none."""
        path = self._settings.output_dir / BATCH
        if first or not path.exists():
            pictures, text, kernel, mask = (layer.numpy() for layer in batch[:4])
            write_picture(path, draw_batch(pictures, text, kernel, mask))

    def show_pages(self, drawn: Sequence[Picture]) -> None:
        """Validation pages with what was found on them."""
        write_picture(self._settings.output_dir / VALIDATION, beside(drawn))
