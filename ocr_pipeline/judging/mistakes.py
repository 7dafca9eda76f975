"""Kinds of errors, and the worst words of each."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from ocr_pipeline.evaluation.confusions import letters_of
from ocr_pipeline.judging.trial import Performance, Place, Trial

MISSED, FALSE = "missed", "false"
KINDS = (MISSED, FALSE, "silent", "left_out", "put_in", "letter", "syllable", "spaces", "signs")
"""Words that were not found, what was taken for a word, and texts that are wrong: nothing, too little, too much,
another letter of a syllable, another character, other spaces; and those that differ in case, width or signs alone."""


class Mistake(NamedTuple):
    """One error; the worst come first in their order.

    Attributes:
        word: the number of the word, or None for what is none.
        said: what was read instead.
    """

    place: Place
    word: int | None
    truth: str
    said: str
    confidence: float


def worst_mistakes(trial: Trial, performance: Performance, most: int) -> dict[str, list[Mistake]]:
    """The worst errors of each kind that there is: farthest from the truth, of these the surest."""
    found: dict[str, list[Mistake]] = {kind: [] for kind in KINDS}
    for kind, mistake in [*_misread(trial, performance), *_missed(trial, performance), *_false(performance)]:
        found[kind].append(mistake)
    return {kind: sorted(mistakes, key=_badness)[:most] for kind, mistakes in found.items() if mistakes}


def kind_of_error(truth: str, said: str) -> str:
    """What sort of error a wrong text is."""
    if not said:
        return "silent"
    if _without_spaces(truth) == _without_spaces(said):
        return "spaces"
    if _letters_only(truth) == _letters_only(said) != "":
        return "signs"
    if len(truth) != len(said):
        return "left_out" if len(said) < len(truth) else "put_in"
    return "letter" if all(map(_is_one_letter, truth, said)) else "syllable"


def _misread(trial: Trial, performance: Performance) -> list[tuple[str, Mistake]]:
    return [
        (kind_of_error(trial.words[number].text, said.text), _mistake(trial, number, *said))
        for number, said in enumerate(performance.said)
        if said and said.text != trial.words[number].text
    ]


def _missed(trial: Trial, performance: Performance) -> list[tuple[str, Mistake]]:
    return [(MISSED, _mistake(trial, number)) for number, is_found in enumerate(performance.found) if not is_found]


def _mistake(trial: Trial, number: int, said: str = "", confidence: float = 0.0) -> Mistake:
    word = trial.words[number]
    return Mistake(word.place, number, word.text, said, confidence)


def _false(performance: Performance) -> list[tuple[str, Mistake]]:
    return [(FALSE, Mistake(place, None, "", seen.text, seen.confidence)) for place, seen in performance.false]


def _badness(mistake: Mistake) -> tuple[float, float, float, Place]:
    distance = Levenshtein.normalized_distance(mistake.truth, mistake.said)
    return -distance, -mistake.confidence, -_extent(mistake.place), mistake.place


def _extent(place: Place) -> float:
    xs, ys = zip(*place.quad, strict=True)
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def _is_one_letter(truth: str, said: str) -> bool:
    """Whether two characters are the same but for one letter of a syllable."""
    letters, others = letters_of(truth), letters_of(said)
    if truth == said or letters is None or others is None:
        return truth == said
    return sum(a != b for a, b in zip(letters, others, strict=True)) == 1


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def _letters_only(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
