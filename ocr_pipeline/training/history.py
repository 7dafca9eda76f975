"""What a training writes of its history, the rows of numbers that it adds to every few steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.training.curves import draw_curves, write_picture

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class HistoryFiles:
    """``results.csv`` and ``curves.png`` in a training's folder and, if wanted, TensorBoard's events.

    Args:
        panels: of the curves, as ``draw_curves`` takes them.
        columns: of the table; without them those of the rows, in the order in which they come up.
        events: folder for TensorBoard; None for no events.

    Raises:
        PipelineError: TensorBoard is wanted, but not installed.
    """

    def __init__(
        self,
        folder: Path,
        panels: Sequence[Sequence[str]],
        *,
        columns: list[str] | None = None,
        events: Path | None = None,
    ) -> None:
        self._folder, self._panels, self._columns = folder, panels, columns
        self._events = _open_events(events) if events else None

    def write(self, history: Sequence[Mapping[str, Any]], curves: bool = True) -> None:
        """The history has a new last row; draw the ``curves`` too, which takes longer."""
        table = pd.DataFrame(history, columns=self._columns, dtype=object)  # a column with gaps keeps its integers
        publish_text(self._folder / "results.csv", table.to_csv(index=False))
        if curves:
            write_picture(self._folder / "curves.png", draw_curves(history, self._panels))
        if self._events is not None:
            _add_row(self._events, history[-1])


def _open_events(folder: Path) -> SummaryWriter:
    if find_spec("tensorboard") is None:
        raise PipelineError(
            "TensorBoard is not installed",
            where="--report_to",
            remedy="pip install tensorboard, or leave the flag out.",
        )
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _add_row(events: SummaryWriter, row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        if name != "step" and math.isfinite(value):
            events.add_scalar(name, value, row["step"])
    events.flush()
