"""What every recogniser offers, so that another can take its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np


class Reading(NamedTuple):
    """A text in NFC, and how sure the model is of it, from 0 to 1 (each model by its own measure)."""

    text: str
    confidence: float


class TextRecognizer(Protocol):
    """Reads crops of one word or line each."""

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """The texts of crops of any size, each uint8 [H, W, 3] RGB, in their order."""
        ...
