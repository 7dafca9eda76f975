"""Page and Word: the one record that all stages speak."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

State = Literal["ok", "ignore"]
Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]

ILLEGIBLE = frozenset({"", "###", "xxx"})


class Word(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One labelled word (or form field) of a page.

    Attributes:
        id: position of the box in its label file, from 0; unique within the page, stable across runs.
        text: transcription in NFC; may be empty when the state is ``ignore``.
        quad: four corners in pixels, clockwise from top left, exactly as labelled (they may leave the page).
        state: ``ok``, or ``ignore``: there is text, but do not learn from it.
        raw_text: the label before normalisation, only where NFC changed it.
        typeface: the data set's own code (1 printed, 2 and 3 handwriting, 4 mixed), where it has one.
    """

    id: int
    text: str
    quad: Quad
    state: State = "ok"
    raw_text: str | None = None
    typeface: int | None = None


class Page(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One labelled picture.

    Attributes:
        dataset, split: as in the file names of all artifacts (``handwriting``, ``train``).
        image: file name of the picture in NFC, with or without extension as the label gives it.
        width, height: pixels according to the label; the picture itself decides.
        label: label file, relative to the share's root, with ``/``.
        words: in the order of the label file.
    """

    dataset: str
    split: str
    image: str
    width: int
    height: int
    label: str
    words: tuple[Word, ...] = ()

    @property
    def stem(self) -> str:
        """The picture's name without its extension (only known picture extensions count as one)."""
        base, _, extension = self.image.rpartition(".")
        return base if base and f".{extension.lower()}" in PICTURE_ENDINGS else self.image


PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
"""What the names of pictures end with, whatever the case."""


def nfc(text: str) -> str:
    """Canonical composition: the only normalisation that labels and names undergo."""
    return unicodedata.normalize("NFC", text)


def word_state(text: str | None, *, ignored: bool = False) -> State:
    """``ignore`` for words without a legible transcription (null, empty, ``###``, ``xxx``)."""
    if ignored or text is None or text.strip() in ILLEGIBLE:
        return "ignore"
    return "ok"
