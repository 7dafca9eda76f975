"""The records of the search: what was seen of a page, and what is suspicious about it."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

from ocr_pipeline.page import Quad, Word

Kind = Literal[
    "jamo",
    "shifted",
    "space",
    "case",
    "width",
    "lookalike",
    "hanja",
    "cut",
    "merged",
    "empty",
    "no_text",
    "unlabelled",
    "twins",
    "other",
]
"""What seems to be wrong."""

KINDS: dict[Kind, str] = {
    "jamo": "one or two letters (jamo) are typed wrong",
    "shifted": "the label is that of another word: labels moved along the page",
    "space": "a space is missing, or is one too many",
    "case": "upper or lower case",
    "width": "another form of the same letters (full-width, circled)",
    "lookalike": "letters that look alike (0 and O, 1 and l)",
    "hanja": "Hanja labelled by how they are read in Hangul, or the reverse",
    "cut": "the box shows a part of the label only",
    "merged": "the box shows more than the label says",
    "empty": "nothing is drawn in the box",
    "no_text": "something is in the box, but no text",
    "unlabelled": "text that nobody labelled",
    "twins": "the same picture has two labels",
    "other": "the label says something else than the picture",
}
"""The kinds, each with what it means."""

assert set(KINDS) == set(get_args(Kind))

NOBODYS_WORD = 10_000_000
"""From here on count the words that nobody labelled; those of a label file are its places, from 0."""


class Reading(NamedTuple):
    """What a reader takes a crop for, and how sure it is, from 0 to 1."""

    text: str
    confidence: float


class SeenWord(NamedTuple):
    """A labelled word as it was looked at.

    Attributes:
        readings: by reader, the one that is asked for odds first.
        is_flat: the crop shows one colour.
        covered: which share of the box detections cover, from 0 to 1; None where nobody searched.
        quarters: turns counterclockwise by 90 degrees that set its text level.
    """

    word: Word
    readings: tuple[Reading, ...]
    is_flat: bool = False
    covered: float | None = None
    quarters: int = 0


class Stray(NamedTuple):
    """A detection on which no label lies, and what it was read as, after as many ``quarters`` as a `SeenWord`."""

    quad: Quad
    score: float
    reading: Reading
    quarters: int = 0


class SeenPage(NamedTuple):
    """All words of a page in the order of its label, and the text that nobody labelled."""

    words: tuple[SeenWord, ...]
    strays: tuple[Stray, ...] = ()


class Found(NamedTuple):
    """One suspicion on a page.

    Attributes:
        place: of the word in `SeenPage.words`; of the stray in `SeenPage.strays` where the kind is ``unlabelled``.
        reading: what the label should probably say.
        evidence: how much more the picture speaks for the reading than for the label, in nats.
    """

    place: int
    kind: Kind
    reading: str
    evidence: float


class Suspect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A label that is probably wrong, or text that has none.

    Attributes:
        label, image, word, text, quad: the word as on its `Page`; one that nobody labelled counts from `NOBODYS_WORD`.
        kind: see `KINDS`.
        reading: what it should probably say; empty where nothing is there.
        readings: by reader.
        evidence: as in `Found`.
        error_rate: how probable it is, from 0 to 1, that the label is wrong.
        picture: path of the page's picture below the share's root.
        is_turned: the corners count the pixels of the picture as its EXIF orientation turns it.
        quarters: as in `SeenWord`.
    """

    label: str
    image: str
    word: int
    text: str
    quad: Quad
    kind: Kind
    reading: str
    readings: tuple[Reading, ...] = ()
    evidence: float = 0.0
    error_rate: float = 0.0
    picture: str = ""
    is_turned: bool = False
    quarters: int = 0
