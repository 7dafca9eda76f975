"""How well pages were read, from picture to text: the end-to-end protocol of ICDAR 2015 (Robust Reading, task 4.4).

The rules are those of the script that the competition gives out: a word is hit if the detection that takes it says its
text. Coordinates are cut to whole numbers, as in its files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from unicodedata import normalize

import numpy as np

from ocr_pipeline.evaluation.detection import DetectionScore, Matching, Truth, match_words
from ocr_pipeline.evaluation.polygons import Corners

ILLEGIBLE = "###"
TRIMMED = "!?.:,*\"()·[]/'"
"""One of these may be missing from the detection's text at the beginning, and one at the end of the truth's."""

Fold = Callable[[str], str]


class SpottedWord(NamedTuple):
    """A word and its text: of the truth, where ``###`` (or nothing) need not be found, or of a reading."""

    polygon: Corners
    text: str


def _without_spaces(text: str) -> str:
    return "".join(text.split())


FOLDS: dict[str, Fold] = {
    "as it is": lambda text: normalize("NFC", text),
    "without spaces": lambda text: _without_spaces(normalize("NFC", text)),
    "NFKC": lambda text: normalize("NFKC", text),
    "NFKC without spaces": lambda text: _without_spaces(normalize("NFKC", text)),
}
"""What may be done to both sides before they are compared; hits are compared by code point."""


def match_texts(found: Sequence[SpottedWord], labelled: Sequence[SpottedWord]) -> Matching:
    """Which detection of a picture takes which word, whatever it says: it is used up by that."""
    truths = [Truth(_whole(word.polygon), is_illegible(word.text)) for word in labelled]
    return match_words([_whole(word.polygon) for word in found], truths)


def hits_of(
    matching: Matching, found: Sequence[SpottedWord], labelled: Sequence[SpottedWord], fold: Fold
) -> list[tuple[int, int]]:
    """The pairs of a picture whose texts are the same."""
    return [
        (word, box) for word, box in matching.pairs if is_same_text(fold(labelled[word].text), fold(found[box].text))
    ]


def score_end_to_end(
    readings: Sequence[Sequence[SpottedWord]], truths: Sequence[Sequence[SpottedWord]], fold: Fold = FOLDS["as it is"]
) -> DetectionScore:
    """Hits over detections and over words, summed over all pictures; ``matched`` counts the hits.

    Raises:
        ValueError: the numbers of pictures differ.
    """
    hits = detections = words = 0
    for found, labelled in zip(readings, truths, strict=True):
        matching = match_texts(found, labelled)
        hits += len(hits_of(matching, found, labelled, fold))
        detections, words = detections + len(matching.detections), words + len(matching.words)
    return DetectionScore.of(hits, detections, words)


def is_same_text(truth: str, said: str) -> bool:
    """Whether a text counts as right: case does not matter, nor a sign at either end of the truth."""
    truth, said = truth.upper(), said.upper()
    starts = {0, int(truth[:1] != "" and truth[0] in TRIMMED)}
    ends = {len(truth), len(truth) - int(truth[-1:] != "" and truth[-1] in TRIMMED)}
    return any(said == truth[start:end] for start in starts for end in ends)


def is_illegible(text: str) -> bool:
    """Whether a truth need not be found; the script's own rule is ``###``, and it fails for an empty text."""
    return text in ("", ILLEGIBLE)


def _whole(polygon: Corners) -> Corners:
    return np.trunc(np.asarray(polygon, np.float64))
