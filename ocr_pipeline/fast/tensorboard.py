"""Numbers of a training for TensorBoard, where that is installed and wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.settings import FastTraining

Board = Callable[[Mapping[str, Any]], None]
"""Takes one row of the history."""


def no_board(row: Mapping[str, Any]) -> None:
    """A board that does nothing."""


def open_board(settings: FastTraining) -> Board:
    """A board that writes event files to ``output_dir``, or one that does nothing.

    Raises:
        PipelineError: TensorBoard is wanted, but not installed.
    """
    if settings.report_to == "none":
        return no_board
    if find_spec("tensorboard") is None:
        raise PipelineError(
            "TensorBoard is not installed",
            where="--report_to",
            remedy="pip install tensorboard, or leave the flag out.",
        )
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(settings.output_dir))

    def write(row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("step", "epoch") and math.isfinite(value):
                writer.add_scalar(name, value, row["step"])
        writer.flush()

    return write
