"""A third recognizer: it reads how bright a crop is, from the words in its folder; darkest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ocr_pipeline.recognition import Loading, Reading
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

CHECKPOINT = "a folder with words.txt"


def owns(path: str | Path) -> bool:
    return (Path(path) / "words.txt").is_file()


def load(path: str | Path, how: Loading) -> BrightnessRecognizer:
    return BrightnessRecognizer((Path(path) / "words.txt").read_text(encoding="utf-8").split())


class BrightnessRecognizer:
    def __init__(self, words: list[str]) -> None:
        self.words = words

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.words)

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        return [Reading(self.words[int(crop.mean()) * len(self.words) // 256], 1.0) for crop in crops]
