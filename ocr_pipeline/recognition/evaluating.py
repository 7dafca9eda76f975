"""Reading crops whose text is known, by real generation, and keeping every reading."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.evaluation import RecognitionScores, recognition_scores, scores_by_group
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.images import decode_crop
from ocr_pipeline.recognition.interface import TextRecognizer
from ocr_pipeline.recognition.text import clean_label
from ocr_pipeline.shown import read_csv, write_csv
from ocr_pipeline.storage.files.publishing import publish_text
from ocr_pipeline.storage.files.typed_paths import begins_with, claim


class ReadCrop(NamedTuple):
    """One crop of a data set: where it is (``CropReader(data).read(number)``), what it says, and what was read."""

    data: str
    number: int
    reference: str
    prediction: str
    confidence: float
    edits: int


_TABLES = {"predictions.csv": ReadCrop._fields, "scores.csv": ("group", *RecognitionScores.__dataclass_fields__)}


@dataclass(frozen=True)
class Evaluation:
    """All readings of one evaluation, in the order of the data."""

    crops: list[ReadCrop]

    @cached_property
    def scores(self) -> RecognitionScores:
        return recognition_scores([crop.reference for crop in self.crops], [crop.prediction for crop in self.crops])

    def by_group(self) -> dict[str, RecognitionScores]:
        """Scores of everything, of each data set, and of each length."""
        references, predictions = [crop.reference for crop in self.crops], [crop.prediction for crop in self.crops]
        return scores_by_group(references, predictions, [Path(crop.data).name for crop in self.crops])


def evaluate(recognizer: TextRecognizer, dataset: Crops, indices: Sequence[int], batch: int) -> Evaluation:
    """Read the crops at ``indices``, ``batch`` at a time.

    Raises:
        PipelineError: a crop cannot be read.
    """
    crops: list[ReadCrop] = []
    for start in range(0, len(indices), batch):
        chosen = indices[start : start + batch]
        stored = [dataset.crop(index) for index in chosen]
        readings = recognizer.read_crops([decode_crop(crop) for crop in stored])
        for index, crop, (text, confidence) in zip(chosen, stored, readings, strict=True):
            reader, number = dataset.place(index)
            reference = clean_label(crop.text)
            edits = Levenshtein.distance(reference, text)
            crops.append(ReadCrop(str(reader.path), number, reference, text, round(confidence, 4), edits))
    return Evaluation(crops)


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """``predictions.csv``, a line per crop, and ``scores.csv``, a line per group of crops."""
    groups = evaluation.by_group()
    scores = [(name, *scores.as_dict().values()) for name, scores in groups.items()]
    tables: tuple[Sequence[Sequence[object]], ...] = (evaluation.crops, scores)
    for (name, columns), rows in zip(_TABLES.items(), tables, strict=True):
        publish_text(folder / name, _csv(columns, rows))


def claim_evaluation(folder: Path, overwrite: bool) -> None:
    """See to it that the tables of an evaluation may be written.

    Raises:
        PipelineError: other files stand in their places.
    """
    for name, columns in _TABLES.items():
        claim(folder / name, overwrite=overwrite, is_own=begins_with(",".join(columns)))


def worst_crops(predictions: Path, count: int = 12) -> list[tuple[bytes, ReadCrop]]:
    """The encoded pictures of the crops with the most errors in a ``predictions.csv``, and how they were read."""
    with predictions.open(encoding="utf-8", newline="") as file:
        crops = [
            ReadCrop(
                row["data"], int(row["number"]), row["reference"], row["prediction"], float(row["confidence"]), edits
            )
            for row in read_csv(file)
            if (edits := int(row["edits"]))
        ]
    worst = sorted(crops, key=lambda crop: -crop.edits / max(1, len(crop.reference)))[:count]
    return [(CropReader(crop.data).read(crop.number).image, crop) for crop in worst]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    write_csv(text, [columns, *rows])
    return text.getvalue()
