"""What the demo learned: its detections and predictions against the truth of the held-out pages."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ocr_pipeline import fast, recognition
from ocr_pipeline.demo.graph import Demo
from ocr_pipeline.evaluation import (
    DetectionScore,
    RecognitionScores,
    Truth,
    recognition_scores,
    score_detections,
)
from ocr_pipeline.shown import read_csv
from ocr_pipeline.storage.files.pictures import pictures_in


@dataclass(frozen=True)
class DemoScores:
    """Trained against untrained detector, adapted against base recognizer, on the same held-out pages and words."""

    detector: DetectionScore
    untrained: DetectionScore
    recognizer: RecognitionScores
    base: RecognitionScores


def score(demo: Demo, base_model: str | Path) -> DemoScores:
    """Score what the graph published, and what it started from, in the same way."""
    truth = json.loads(demo.truth.read_text(encoding="utf-8"))
    workspace = demo.workspace
    with TemporaryDirectory() as scratch:
        untrained = _untrained_detections(workspace.fast_checkpoint, workspace.inbox / "pages", Path(scratch))
        base_csv = Path(scratch) / "base.csv"
        base = recognition.load_recognizer(base_model)
        words = pictures_in(workspace.inbox / "words", deep=True)
        recognition.recognize_pictures(base, words, base_csv, batch_size=32)
        return DemoScores(
            detector=_detection_score(truth["pages"], workspace.detections),
            untrained=_detection_score(truth["pages"], untrained),
            recognizer=_recognition_scores(truth["words"], workspace.predictions),
            base=_recognition_scores(truth["words"], base_csv),
        )


def _untrained_detections(trained: Path, pages: Path, scratch: Path) -> Path:
    """Detections of the same network with the weights it was born with."""
    weights = fast.read_weights(trained)
    torch.manual_seed(0)
    untrained = scratch / "untrained.pth"
    torch.save({"state_dict": fast.build_network(weights.variant).state_dict(), **weights.extras}, untrained)
    fast.predict(fast.FastPrediction(checkpoint=untrained, image=(pages,), output=scratch / "detections"))
    return scratch / "detections"


def _detection_score(truth: dict[str, list], detections: Path) -> DetectionScore:
    found, words = [], []
    for name, labelled in truth.items():
        page = json.loads((detections / f"{name}.json").read_text(encoding="utf-8"))
        found.append([word["polygon"] for word in page["words"]])
        words.append([Truth(quad, state == "ignore") for quad, state in labelled])
    return score_detections(found, words)


def _recognition_scores(truth: dict[str, str], predictions: Path) -> RecognitionScores:
    with predictions.open(encoding="utf-8-sig", newline="") as file:
        read = {Path(row["filename"]).name: row["text"] for row in read_csv(file)}
    return recognition_scores(list(truth.values()), [read[name] for name in truth])
