"""What a person reads or looks at of a training: rows of numbers, curves, a batch, pages with what was found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ocr_pipeline.fast.data import Batch
from ocr_pipeline.fast.maps.pictures import Picture
from ocr_pipeline.fast.maps.views import beside, draw_batch
from ocr_pipeline.training.curves import write_picture
from ocr_pipeline.training.history import HistoryFiles

logger = logging.getLogger(__name__)

_PANELS = (("loss", "text", "kernel", "embedding"), ("hmean", "precision", "recall"), ("learning_rate",))

OnProgress = Callable[[dict[str, Any]], None]


class Report:
    """Writes to a training's folder, the log, and ``on_progress``; the first process has one.

    Args:
        steps: of the whole training.
        events: write TensorBoard's too.
        quiet: log no rows.

    Raises:
        PipelineError: TensorBoard is wanted, but not installed.
    """

    def __init__(self, folder: Path, steps: int, on_progress: OnProgress | None, *, events: bool, quiet: bool) -> None:
        self._folder, self._steps, self._on_progress, self._quiet = folder, steps, on_progress, quiet
        self._files = HistoryFiles(folder, _PANELS, events=folder if events else None)

    def add_row(self, history: Sequence[dict[str, Any]], seconds: float, curves: bool) -> None:
        """The history has a new last row; draw the ``curves`` too, which takes longer."""
        row = history[-1]
        self._files.write(history, curves)
        score = f", hmean {row['hmean']:.3f}" if "hmean" in row else ""
        if not self._quiet:
            logger.info("step %d of %d, loss %.4f%s, %.0f s", row["step"], self._steps, row["loss"], score, seconds)
        if self._on_progress is not None:
            self._on_progress(row | {"steps": self._steps, "seconds": seconds})

    def begin(self, text: str) -> None:
        """Say what is learnt from, where, and in how many steps."""
        if not self._quiet:
            logger.info("learning from %s in %d steps", text, self._steps)

    def estimate(self, step: int, seconds: float) -> None:
        """Say after the first step what that promises for the others; the loaders' start is in it."""
        if not self._quiet:
            left = timedelta(seconds=round(seconds * (self._steps - step)))
            logger.info("step %d of %d took %.1f s: all will take %s at most", step, self._steps, seconds, left)

    def show_batch(self, batch: Batch, first: bool) -> None:
        """Keep a picture of the ``first`` batch, or of this one if there is none."""
        path = self._folder / "training_batch.png"
        if first or not path.exists():
            pictures, text, kernel, mask = (layer.numpy() for layer in batch[:4])
            write_picture(path, draw_batch(pictures, text, kernel, mask))

    def show_pages(self, drawn: Sequence[Picture]) -> None:
        """Validation pages with what was found on them."""
        write_picture(self._folder / "validation.png", beside(drawn))
