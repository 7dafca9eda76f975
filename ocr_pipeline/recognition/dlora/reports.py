"""What a training tells while it runs: files for people, and lines in the log."""

from __future__ import annotations

import csv
import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores
from ocr_pipeline.recognition.dlora.curves import write_curves
from ocr_pipeline.recognition.text import Coverage
from ocr_pipeline.storage.files.publishing import publish_text

logger = logging.getLogger(__name__)

T = TypeVar("T")
COLUMNS = ("step", "epoch", "loss", "learning_rate", "gradient_norm", *RecognitionScores.__dataclass_fields__)
CURVES = ("loss", "cer", "exact", "learning_rate")


def write_history(output_dir: Path, history: list[dict[str, Any]]) -> None:
    """``results.csv`` and ``curves.png``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    publish_text(output_dir / "results.csv", text.getvalue())
    curves = {name: [(row["step"], row[name]) for row in history if name in row] for name in CURVES}
    write_curves(output_dir / "curves.png", curves)


def write_charset(output_dir: Path, coverage: Coverage) -> None:
    """``charset.csv``: each character that cannot be said, and each label that comes back changed, with counts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("kind", "text", "comes_back_as", "count"))
    for character, count in coverage.characters.most_common():
        writer.writerow(("character", character, "", count))
    for (label, said), count in coverage.lost.most_common():
        writer.writerow(("label", label, said, count))
    publish_text(output_dir / "charset.csv", text.getvalue())


def event_writer(report_to: str, output_dir: Path) -> Callable[[dict[str, Any]], None]:
    """What writes a row of the history as TensorBoard events, or does nothing.

    Raises:
        PipelineError: TensorBoard is wanted and not installed.
    """
    if "tensorboard" not in report_to:
        if report_to not in ("none", "all"):
            logger.warning("report_to=%s is not served here; results.csv and curves.png are written", report_to)
        return lambda row: None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise PipelineError(
            "TensorBoard is not installed", where="report_to", remedy="pip install tensorboard, or --report_to none."
        ) from error
    writer: Any = SummaryWriter(str(output_dir / "runs"))

    def write(row: dict[str, Any]) -> None:
        for name, value in row.items():
            if name != "step":
                writer.add_scalar(name, value, row["step"])
        writer.flush()

    return write


class Stopwatch:
    """Where the time goes: waiting for batches, or learning from them."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._waited, self._samples = 0.0, 0

    def watched(self, steps: Iterable[T], samples: Callable[[T], int]) -> Iterator[T]:
        """The same steps; the time until each is there counts as waiting."""
        iterator = iter(steps)
        while True:
            begun = time.perf_counter()
            try:
                step = next(iterator)
            except StopIteration:
                return
            self._waited += time.perf_counter() - begun
            self._samples += samples(step)
            yield step

    def report(self) -> str:
        """What was measured since the last report."""
        passed = time.perf_counter() - self._start
        text = f"{self._samples / passed:.1f} samples/s, {self._waited / passed:.0%} of the time waiting for data"
        self.__init__()  # type: ignore[misc]
        return text
