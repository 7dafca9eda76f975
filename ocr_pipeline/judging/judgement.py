"""What a trial says: the numbers with their intervals, as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ocr_pipeline.evaluation import text_parts
from ocr_pipeline.evaluation.bootstrap import Estimate, Floats, Sums, difference, drawn_pages, estimate, ratio
from ocr_pipeline.evaluation.calibration import Calibration, calibration
from ocr_pipeline.evaluation.confusions import Confusion, confusions
from ocr_pipeline.evaluation.recognition import RATES
from ocr_pipeline.evaluation.slices import rarity
from ocr_pipeline.judging.measures import MEASURES
from ocr_pipeline.judging.trial import Performance, Trial

MOST_CONFUSIONS = 300
SLICED = ("cer", "exact", "found", "read")
"""What is told of each kind of words: two of their true boxes, two of whole pages."""

Estimates = dict[str, Estimate]
"""By the names of contestants."""


class Entry(msgspec.Struct, frozen=True):
    """A contestant: its name and exactly what it is."""

    name: str
    version: str


class Slice(msgspec.Struct, frozen=True):
    """Words of one kind.

    Attributes:
        by: what words are told apart by; kind: which of them these are; words: how many.
        measures: by the names in `SLICED`.
    """

    by: str
    kind: str
    words: int
    measures: dict[str, Estimates]


class Judgement(msgspec.Struct, frozen=True):
    """All numbers of a trial; an estimate is a list of the value and the ends of its 95 % interval.

    Attributes:
        pages: how many of each source; words: how many in all; errors: pages that could not be read, and why.
        measures: by name and contestant.
        differences: the first contestant's less that of each other, on the same draws.
        confusions: by contestant, on true boxes; an example is the number of a word.
        calibration: by contestant; ``boxes``: of true boxes, ``pages``: of the words that it found.
    """

    pages: dict[str, int]
    words: int
    errors: dict[str, str]
    contestants: list[Entry]
    measures: dict[str, Estimates]
    differences: dict[str, Estimates]
    slices: list[Slice]
    confusions: dict[str, list[Confusion]]
    calibration: dict[str, dict[str, Calibration]]

    def encode(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def judge(trial: Trial, known: Mapping[str, int], target: float) -> Judgement:
    """The numbers of a trial.

    Args:
        known: how often each syllable was learnt; empty where nobody can tell.
        target: share of right words that is asked of those nobody looks at.
    """
    sides, draws = [_Side.of(one, trial) for one in trial.performances], drawn_pages(len(trial.pages))
    return Judgement(
        pages=_counted(page.source for page in trial.pages),
        words=len(trial.words),
        errors=trial.errors,
        contestants=[Entry(side.name, side.performance.contestant.version) for side in sides],
        measures={name: _estimates(sides, name, draws) for name in MEASURES},
        differences={name: _differences(sides, name, draws) for name in MEASURES},
        slices=_slices(trial, sides, known, draws),
        confusions={side.name: _confusions(trial, side.performance) for side in sides if side.performance.said},
        calibration={side.name: _calibrations(trial, side.performance, target) for side in sides},
    )


class _Side(NamedTuple):
    """A contestant's sums.

    Attributes:
        pages: by what is added up, of each page [pages, parts].
        words: of each word [words, 2], by the names in `SLICED`.
    """

    name: str
    performance: Performance
    pages: dict[str, Floats]
    words: dict[str, Floats]

    @classmethod
    def of(cls, performance: Performance, trial: Trial) -> _Side:
        names = dict.fromkeys(name for page in performance.sums for name in page)
        pages = {name: np.array([page[name] for page in performance.sums], np.float64) for name in names}
        rates = _rates(trial, performance)
        pages |= {name: _by_page(parts, trial) for name, parts in rates.items()}
        shares = {"found": performance.found, "read": performance.read}
        words = {name: _shares(flags) for name, flags in shares.items() if flags}
        return cls(performance.contestant.name, performance, pages, words | rates)

    def sums(self, measure: str) -> Sums | None:
        of = MEASURES[measure]
        return Sums(self.pages[of.sums], of.formula) if of.sums in self.pages else None


def _rates(trial: Trial, performance: Performance) -> dict[str, Floats]:
    """What each rate of reading adds up of each word; nothing of words without a crop."""
    if not performance.said:
        return {}
    nothing = dict.fromkeys(RATES, (0.0, 0.0))
    parts = [
        nothing if said is None else text_parts(word.text, said.text)
        for word, said in zip(trial.words, performance.said, strict=True)
    ]
    return {name: np.array([part[name] for part in parts], np.float64).reshape(-1, 2) for name in RATES}


def _shares(flags: Sequence[bool]) -> Floats:
    return np.stack([np.array(flags, np.float64), np.ones(len(flags))], axis=1)


def _by_page(words: Floats, trial: Trial) -> Floats:
    """Sums of words [words, 2] as those of their pages [pages, 2]."""
    pages = np.zeros((len(trial.pages), words.shape[1]))
    np.add.at(pages, trial.page_of_words(), words)
    return pages


def _estimates(sides: Sequence[_Side], measure: str, draws: Floats) -> Estimates:
    return {side.name: estimate(sums, draws) for side in sides if (sums := side.sums(measure))}


def _differences(sides: Sequence[_Side], measure: str, draws: Floats) -> Estimates:
    first, *others = sides
    own = first.sums(measure)
    if own is None:
        return {}
    return {side.name: difference(own, sums, draws) for side in others if (sums := side.sums(measure))}


def _slices(trial: Trial, sides: Sequence[_Side], known: Mapping[str, int], draws: Floats) -> list[Slice]:
    found = []
    for by, kinds in _kinds(trial, known).items():
        for kind in sorted(set(kinds), key=_rank):
            chosen = np.array([each == kind for each in kinds], np.float64)[:, None]
            measures = {name: _sliced(trial, sides, name, chosen, draws) for name in SLICED}
            found.append(Slice(by, kind, int(chosen.sum()), measures))
    return found


def _kinds(trial: Trial, known: Mapping[str, int]) -> dict[str, list[str]]:
    """The kind of each word, by every slicing that tells words apart."""
    slicings = {by: [word.kinds[by] for word in trial.words] for by in (trial.words[0].kinds if trial.words else ())}
    if known:
        slicings["rarest syllable"] = [rarity(word.text, known) for word in trial.words]
    return {by: kinds for by, kinds in slicings.items() if len(set(kinds)) > 1}


def _sliced(trial: Trial, sides: Sequence[_Side], name: str, chosen: Floats, draws: Floats) -> Estimates:
    return {
        side.name: estimate(Sums(_by_page(side.words[name] * chosen, trial), ratio), draws)
        for side in sides
        if name in side.words
    }


def _rank(kind: str) -> tuple[int, str]:
    """Steps of a ladder in their order, other kinds by name."""
    start = kind.partition("-")[0].rstrip("+")
    return (int(start), "") if start.isdecimal() else (-1, kind)


def _confusions(trial: Trial, performance: Performance) -> list[Confusion]:
    pairs = [
        (word.text, word.text if said is None else said.text)
        for word, said in zip(trial.words, performance.said, strict=True)
    ]
    return confusions(pairs)[:MOST_CONFUSIONS]


def _calibrations(trial: Trial, performance: Performance, target: float) -> dict[str, Calibration]:
    words = trial.words if performance.said else ()
    said = [
        (said.confidence, said.text == word.text) for word, said in zip(words, performance.said, strict=True) if said
    ]
    both = {"boxes": said, "pages": performance.sure}
    return {
        where: calibration([sure for sure, _ in pairs], [right for _, right in pairs], target)
        for where, pairs in both.items()
        if pairs
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
