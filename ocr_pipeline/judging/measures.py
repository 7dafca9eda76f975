"""What is measured: each number by what it adds up over pages, so that all have intervals from the same draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ocr_pipeline.evaluation import Truth, are_covered, match_words
from ocr_pipeline.evaluation.bootstrap import Floats, Formula, cleval_hmean, hmean, ratio
from ocr_pipeline.evaluation.cleval import character_counts
from ocr_pipeline.evaluation.end_to_end import FOLDS, SpottedWord, hits_of, match_texts
from ocr_pipeline.evaluation.recognition import RATES
from ocr_pipeline.judging.contestants.contestant import Seen
from ocr_pipeline.judging.labelled import LabelledWord

PageSums = dict[str, tuple[float, ...]]
"""Of one page, by what is added up."""


class Measure(NamedTuple):
    """One number.

    Attributes:
        sums: what it is computed from.
        more_is_better: whether the greater one of two is the better.
    """

    group: str
    sums: str
    formula: Formula
    more_is_better: bool


class SeenWords(NamedTuple):
    """What became of the words of one page.

    Attributes:
        found: whether each labelled word was found; read: whether its text was right too.
        right: for each word that was seen and counts, its place and whether it is a word that says its text.
        false: places of those seen that are no word.
    """

    found: list[bool]
    read: list[bool]
    right: list[tuple[int, bool]]
    false: list[int]


def precision(sums: Floats) -> Floats:
    """Of (hits, detections, words)."""
    return ratio(sums[..., [0, 1]])


def recall(sums: Floats) -> Floats:
    """Of (hits, detections, words)."""
    return ratio(sums[..., [0, 2]])


_MATCHED = {"precision": precision, "recall": recall, "hmean": hmean}
_BETTER = {"one_minus_ned", "exact"}
AS_IT_IS = "as it is"

MEASURES: dict[str, Measure] = {
    **{f"found_{name}": Measure("detection", "found", formula, True) for name, formula in _MATCHED.items()},
    "coverage": Measure("detection", "coverage", ratio, True),
    "cleval": Measure("detection", "cleval", cleval_hmean, True),
    **{name: Measure("recognition", name, ratio, name in _BETTER) for name in RATES},
    **{
        f"read_{name}, {fold}": Measure("end to end", f"read, {fold}", formula, True)
        for fold in FOLDS
        for name, formula in _MATCHED.items()
    },
}
"""All numbers by their names: finding words, reading true boxes, and both from end to end."""


def detection_sums(seen: Sequence[Seen], words: Sequence[LabelledWord]) -> PageSums:
    """Words found (ICDAR 2015), words covered, and characters found (CLEval)."""
    boxes = [word.quad for word in seen]
    matching = match_words(boxes, [Truth(word.quad, not word.counts) for word in words])
    covered = are_covered(boxes, [word.quad for word in words if word.counts])
    return {
        "found": (len(matching.pairs), len(matching.detections), len(matching.words)),
        "coverage": (sum(covered), len(covered)),
        "cleval": tuple(character_counts(boxes, _truths(words))),
    }


def end_to_end_sums(seen: Sequence[Seen], words: Sequence[LabelledWord]) -> PageSums:
    """Words found and read right (ICDAR 2015, task 4.4), after each of `FOLDS`."""
    spotted, truths = _spotted(seen), _truths(words)
    matching = match_texts(spotted, truths)
    counted = len(matching.detections), len(matching.words)
    return {
        f"read, {fold}": (len(hits_of(matching, spotted, truths, folded)), *counted) for fold, folded in FOLDS.items()
    }


def seen_words(seen: Sequence[Seen], words: Sequence[LabelledWord]) -> SeenWords:
    """What became of each word that counts, in their order, and of each that was seen."""
    spotted, truths = _spotted(seen), _truths(words)
    matching = match_texts(spotted, truths)
    taken = dict(matching.pairs)
    hits = dict(hits_of(matching, spotted, truths, FOLDS[AS_IT_IS]))
    boxes, right = set(taken.values()), set(hits.values())
    return SeenWords(
        [word in taken for word in matching.words],
        [word in hits for word in matching.words],
        [(box, box in right) for box in matching.detections],
        [box for box in matching.detections if box not in boxes],
    )


def _spotted(seen: Sequence[Seen]) -> list[SpottedWord]:
    return [SpottedWord(word.quad, word.text) for word in seen]


def _truths(words: Sequence[LabelledWord]) -> list[SpottedWord]:
    return [SpottedWord(word.quad, word.text) for word in words]
