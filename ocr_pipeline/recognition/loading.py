"""Whose checkpoint a path is, and how it is loaded: the one place that names the recognizers there are."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.interface import DEFAULT, Loading, TextRecognizer

RECOGNIZERS = {
    "dlora": "ocr_pipeline.recognition.dlora",
    "ppocr": "ocr_pipeline.recognition.ppocr",
}
"""Each by its module, which has the two functions of `Kind`; another one is a module and a line here."""


class Kind(Protocol):
    """What the module of a recognizer offers."""

    CHECKPOINT: str
    """What lies in a folder that it can load, for people."""

    def owns(self, path: str | Path) -> bool:
        """Whether its checkpoint lies there, by what is in the folder; nothing is loaded."""
        ...

    def load(self, path: str | Path, how: Loading) -> TextRecognizer:
        """The recognizer of a path that it owns.

        Raises:
            PipelineError: it cannot be loaded, or not in this way.
        """
        ...


def load_recognizer(path: str | Path, how: Loading = DEFAULT) -> TextRecognizer:
    """The recognizer whose checkpoint lies at ``path``: a folder, or the name of a model on the Hugging Face hub.

    Raises:
        PipelineError: it is nobody's checkpoint, or cannot be loaded.
    """
    kinds = [cast(Kind, import_module(module)) for module in RECOGNIZERS.values()]
    for kind in kinds:
        if kind.owns(path):
            return kind.load(path, how)
    raise PipelineError(
        "there is no checkpoint of a recognizer here",
        where=path,
        remedy=f"Give the path of {', or of '.join(kind.CHECKPOINT for kind in kinds)}.",
    )
