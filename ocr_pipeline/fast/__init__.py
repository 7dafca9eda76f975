"""The text detector FAST (arXiv 2111.02394): training and prediction.

Names are imported when first used, so that whoever needs the settings only does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocr_pipeline.fast.checkpoint import load_network, load_weights, read_weights
    from ocr_pipeline.fast.config import Augmentation, FastConfig, read_config
    from ocr_pipeline.fast.data import find_lmdbs
    from ocr_pipeline.fast.detector import Detector
    from ocr_pipeline.fast.exporting import export_onnx
    from ocr_pipeline.fast.network import FastNetwork, build_network
    from ocr_pipeline.fast.prediction import DetectedPage, DetectedWord, detect_folder, predict
    from ocr_pipeline.fast.scoring import score_checkpoint
    from ocr_pipeline.fast.settings import CODE_VERSION, FastPrediction, FastTraining, TrainingResult
    from ocr_pipeline.fast.training import train_fast

_HOME = {
    "checkpoint": ("load_network", "load_weights", "read_weights"),
    "config": ("Augmentation", "FastConfig", "read_config"),
    "data": ("find_lmdbs",),
    "detector": ("Detector",),
    "exporting": ("export_onnx",),
    "network": ("FastNetwork", "build_network"),
    "prediction": ("DetectedPage", "DetectedWord", "detect_folder", "predict"),
    "scoring": ("score_checkpoint",),
    "settings": ("CODE_VERSION", "FastPrediction", "FastTraining", "TrainingResult"),
    "training": ("train_fast",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CODE_VERSION",
    "Augmentation",
    "DetectedPage",
    "DetectedWord",
    "Detector",
    "FastConfig",
    "FastNetwork",
    "FastPrediction",
    "FastTraining",
    "TrainingResult",
    "build_network",
    "detect_folder",
    "export_onnx",
    "find_lmdbs",
    "load_network",
    "load_weights",
    "predict",
    "read_config",
    "read_weights",
    "score_checkpoint",
    "train_fast",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
