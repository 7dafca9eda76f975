"""TrOCR with DLoRA, the recogniser: adapters, training, and reading of crops (steps 8 and 9 of the guide)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocr_pipeline.dlora.settings import CODE_VERSION, DloraTraining

if TYPE_CHECKING:
    from ocr_pipeline.dlora.bases import base_fingerprint, base_of
    from ocr_pipeline.dlora.comparison import Compared, compare
    from ocr_pipeline.dlora.coverage import label_coverage
    from ocr_pipeline.dlora.evaluating import worst_crops
    from ocr_pipeline.dlora.exporting import export_onnx
    from ocr_pipeline.dlora.interface import Reading, TextRecognizer
    from ocr_pipeline.dlora.merging import merge_checkpoint
    from ocr_pipeline.dlora.ppocr import PpOcrRecognizer
    from ocr_pipeline.dlora.prediction import FolderPrediction, recognize_folder
    from ocr_pipeline.dlora.recognizer import Decoding, Recognizer, load_recognizer
    from ocr_pipeline.dlora.text import Coverage
    from ocr_pipeline.dlora.training import TrainingProgress, TrainingResult, train_dlora

__all__ = [
    "CODE_VERSION",
    "TINY_KOREAN",
    "Compared",
    "Coverage",
    "Decoding",
    "DloraTraining",
    "FolderPrediction",
    "PpOcrRecognizer",
    "Reading",
    "Recognizer",
    "TextRecognizer",
    "TrainingProgress",
    "TrainingResult",
    "base_fingerprint",
    "base_of",
    "compare",
    "export_onnx",
    "label_coverage",
    "load_recognizer",
    "merge_checkpoint",
    "recognize_folder",
    "train_dlora",
    "worst_crops",
]

TINY_KOREAN = Path(__file__).with_name("tiny_korean")
"""Folder of a small base model that reads clean print; see ``tiny_base``."""

_MODULES = {
    "FolderPrediction": "prediction",
    "recognize_folder": "prediction",
    "base_fingerprint": "bases",
    "base_of": "bases",
    "merge_checkpoint": "merging",
    "Decoding": "recognizer",
    "Compared": "comparison",
    "compare": "comparison",
    "Coverage": "text",
    "label_coverage": "coverage",
    "PpOcrRecognizer": "ppocr",
    "Reading": "interface",
    "TextRecognizer": "interface",
    "worst_crops": "evaluating",
    "export_onnx": "exporting",
    "Recognizer": "recognizer",
    "load_recognizer": "recognizer",
    "TrainingProgress": "training",
    "TrainingResult": "training",
    "train_dlora": "training",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch and transformers when it is asked for: the orchestration must start in a moment."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
