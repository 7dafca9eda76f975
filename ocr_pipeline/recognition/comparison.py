"""Several recognizers on the same crops."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import RecognitionScores
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.evaluating import claim_evaluation, evaluate, write_evaluation
from ocr_pipeline.recognition.interface import TextRecognizer


@dataclass(frozen=True)
class Compared:
    """One recognizer's scores, and the crops it read a second (decoding of the pictures included)."""

    name: str
    scores: RecognitionScores
    crops_per_second: float


def compare(
    recognizers: Mapping[str, TextRecognizer],
    paths: Sequence[str | Path],
    *,
    output_dir: Path | None = None,
    samples: int = 1000,
    batch_size: int = 16,
    seed: int = 42,
    overwrite: bool = False,
) -> list[Compared]:
    """Let each recognizer read the same crops, drawn evenly from recognition data (LMDB folders or JSONL files).

    Args:
        output_dir: where each one's ``NAME/predictions.csv`` and ``NAME/scores.csv`` go; None writes none.
        samples: how many crops; 0 takes all.
        overwrite: replace files in ``output_dir`` that are no such tables.

    Raises:
        PipelineError: there is nothing to read, or other files stand in ``output_dir``.
    """
    crops = Crops([CropReader(path) for path in paths])
    if not len(crops):
        where = ", ".join(map(str, paths)) or "--data"
        raise PipelineError("there are no crops to compare on", where=where, remedy="Name recognition data with crops.")
    if output_dir:
        for name in recognizers:
            claim_evaluation(output_dir / name, overwrite)
    indices = crops.spread(samples or len(crops), seed)
    compared = []
    for name, recognizer in recognizers.items():
        start = time.perf_counter()
        evaluation = evaluate(recognizer, crops, indices, batch_size)
        compared.append(Compared(name, evaluation.scores, len(indices) / (time.perf_counter() - start)))
        if output_dir:
            write_evaluation(evaluation, output_dir / name)
    return compared
