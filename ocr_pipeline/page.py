"""Page and Word: the one record that all stages speak, and what becomes of those that are set aside."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Literal

import msgspec

State = Literal["ok", "ignore"]
Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]

ILLEGIBLE = frozenset({"", "###", "xxx"})

INVISIBLE = re.compile(
    "[\0-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""Letters that leave nothing on the paper: control codes, fillers of Hangul, zero-width signs, marks of direction."""


class Quarantined(msgspec.Struct, frozen=True, omit_defaults=True):
    """One page or word that was set aside.

    Attributes:
        unit: ``page`` or ``word``.
        reason: a short stable key such as ``image_missing`` (the report counts by it).
        dataset, split, label, image: where it comes from; ``label`` is relative to the share.
        word: id of the word within its page, for words.
        detail: one sentence for a person.
        words: how many words of a page went with it.
        raw: the raw record, as JSON text, where there is one.
    """

    unit: str
    reason: str
    dataset: str
    split: str
    label: str = ""
    image: str = ""
    word: int | None = None
    detail: str = ""
    words: int = 0
    raw: str = ""


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

    def set_aside(self, page: Page, reason: str, detail: str, raw: object = None) -> Quarantined:
        """This word of a page, set aside; ``raw`` is kept as JSON, by default the word itself."""
        return page.set_aside_word(self.id, reason, detail, self if raw is None else raw)


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

    def set_aside(self, reason: str, detail: str, words: int | None = None) -> Quarantined:
        """This page, set aside with its words, or with so many of them."""
        taken_along = len(self.words) if words is None else words
        source = (self.dataset, self.split, self.label, self.image)
        return Quarantined("page", reason, *source, detail=detail, words=taken_along)

    def unexpected(self, error: Exception) -> Quarantined:
        """This page, set aside for an error that nobody thought of."""
        return self.set_aside("unexpected", what_was_unexpected(error))

    def set_aside_word(self, word: int, reason: str, detail: str, raw: object) -> Quarantined:
        """A word that may not have become a record, by its place in the label; ``raw`` is kept as JSON."""
        source, text = (self.dataset, self.split, self.label, self.image), raw_record(raw)
        return Quarantined("word", reason, *source, word, detail, raw=text)


PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
"""What the names of pictures end with, whatever the case."""


def what_was_unexpected(error: Exception) -> str:
    """How an error that nobody thought of stands in the quarantine."""
    return f"{type(error).__name__}: {error}"[:200]


def raw_record(record: object) -> str:
    """A raw record as JSON text that any file can hold, whatever it holds itself."""
    try:
        return msgspec.json.encode(record).decode()
    except UnicodeEncodeError:
        return json.dumps(record)


def nfc(text: str) -> str:
    """Canonical composition: the only normalisation that labels and names undergo."""
    return unicodedata.normalize("NFC", text)


def is_unicode(text: str) -> bool:
    """Whether a text can be written: JSON may hold halves of characters (lone surrogates), which no file can."""
    return text.isascii() or not re.search("[\ud800-\udfff]", text)


def word_state(text: str | None, *, ignored: bool = False) -> State:
    """``ignore`` for words without a legible transcription (null, empty, ``###``, ``xxx``, nothing that is visible)."""
    if ignored or text is None or INVISIBLE.sub("", text).strip() in ILLEGIBLE:
        return "ignore"
    return "ok"
