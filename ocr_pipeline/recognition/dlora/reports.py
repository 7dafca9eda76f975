"""What a training tells while it runs: files for people, and lines in the log."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores
from ocr_pipeline.recognition.dlora.data import CropDataset
from ocr_pipeline.recognition.text import Coverage
from ocr_pipeline.shown import write_csv
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.training.history import HistoryFiles

logger = logging.getLogger(__name__)

T = TypeVar("T")
COLUMNS = ["step", "epoch", "loss", "learning_rate", "gradient_norm", *RecognitionScores.__dataclass_fields__]
PANELS = (("loss",), ("cer", "exact"), ("learning_rate",))
COVERAGE_SAMPLE = 2000


def history_files(output_dir: Path, report_to: str) -> HistoryFiles:
    """``results.csv`` and ``curves.png``, and TensorBoard's events where they are asked for.

    Raises:
        PipelineError: TensorBoard is wanted and not installed.
    """
    wanted = "tensorboard" in report_to
    if not wanted and report_to not in ("none", "all"):
        logger.warning("report_to=%s is not served here; results.csv and curves.png are written", report_to)
    return HistoryFiles(output_dir, PANELS, columns=COLUMNS, events=output_dir / "runs" if wanted else None)


def report_coverage(data: CropDataset, seed: int, strict: bool, output_dir: Path, writes: bool) -> Coverage:
    """What the tokenizer cannot say: of a sample of the labels, or if ``strict`` of all.

    Args:
        output_dir: gets ``charset.csv`` if this process ``writes``.

    Raises:
        PipelineError: ``strict``, and there is something.
    """
    indices = data.spread(len(data) if strict else COVERAGE_SAMPLE, seed)
    coverage = data.codec.coverage(data.text(index) for index in indices)
    if writes:
        _write_charset(output_dir, coverage)
    if not coverage.changed:
        return coverage
    what = (
        f"the tokenizer cannot say {coverage.changed} of {coverage.labels} labels as they are; by character: "
        f"{dict(coverage.characters.most_common(10))}; labels: {[pair for pair, _ in coverage.lost.most_common(3)]}"
    )
    if strict:
        raise PipelineError(
            what, where=output_dir / "charset.csv", remedy="Mend the labels, or train without strict_charset."
        )
    logger.warning("%s; charset.csv lists them", what)
    return coverage


def _write_charset(output_dir: Path, coverage: Coverage) -> None:
    """``charset.csv``: each character that cannot be said, and each label that comes back changed, with counts."""
    text = io.StringIO()
    characters = (("character", character, "", count) for character, count in coverage.characters.most_common())
    labels = (("label", label, said, count) for (label, said), count in coverage.lost.most_common())
    write_csv(text, [("kind", "text", "comes_back_as", "count"), *characters, *labels])
    publish_text(output_dir / "charset.csv", text.getvalue())


class Stopwatch:
    """Where the time goes: waiting for batches, or learning from them."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Measure from now on."""
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
        self.restart()
        return text
