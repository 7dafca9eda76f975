"""Evidence turned into the rate of errors that is to be expected: learnt from errors that were planted.

A page with planted errors is searched like any other. Of the suspects of one kind, those that hit a planted error are
the positives, and those of the page as it came are the negatives: where such a label is wrong in truth, the rate is
estimated too low, never too high. Isotonic regression (pool adjacent violators, Ayer et al. 1955) makes the rate grow
with the evidence; planted errors weigh as much as errors are expected in real labels.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import mul
from typing import NamedTuple

import msgspec

from ocr_pipeline.data.review.suspects.suspect import Kind

FEW = 20
"""Planted errors that were found below which a kind has the rate of all kinds, and a partition `BEFOREHAND`."""
_SUREST = 0.99  # nobody knows better from so few pages


class Trial(NamedTuple):
    """A suspect of a page with planted errors, or of the page as it came: its evidence, and whether it was planted."""

    kind: Kind
    evidence: float
    is_error: bool


class Curve(msgspec.Struct, frozen=True):
    """A step function that does not fall: ``rates[i]`` holds from ``evidence[i]`` on."""

    evidence: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()

    def at(self, evidence: float) -> float:
        """The rate at some evidence; below the first step it is that of the first one."""
        return self.rates[max(bisect_right(self.evidence, evidence) - 1, 0)] if self.rates else 0.0


BEFOREHAND = Curve(
    (-1e9, 3.4, 3.7, 4.0, 5.0, 6.0, 6.4, 6.9, 9.0, 13.6),
    (0.0, 0.002, 0.006, 0.015, 0.03, 0.065, 0.13, 0.7, 0.85, 0.95),
)
"""For a partition of too few words: ``korean_words`` on 3,000 drawn words and 2,156 typing errors planted in them,
which weigh as if one word in a hundred were wrong."""


class Calibration(msgspec.Struct, frozen=True):
    """The curves of all kinds together, and of each that was planted often enough."""

    together: Curve
    by_kind: dict[Kind, Curve]

    def rate(self, kind: Kind, evidence: float) -> float:
        """How probable it is that a suspect is an error, from 0 to 1."""
        return self.by_kind.get(kind, self.together).at(evidence)


def calibrate(trials: Iterable[Trial], weight: float) -> Calibration:
    """The curves that trials give; `BEFOREHAND` where they are too few.

    Args:
        weight: of a planted error, where a suspect of the page as it came weighs 1.
    """
    all_of = sorted(trials, key=lambda trial: trial.evidence)
    if sum(trial.is_error for trial in all_of) < FEW:
        return Calibration(BEFOREHAND, {})
    kinds = {trial.kind for trial in all_of}
    of_kind = {kind: [trial for trial in all_of if trial.kind == kind] for kind in sorted(kinds)}
    often = {kind: found for kind, found in of_kind.items() if sum(trial.is_error for trial in found) >= FEW}
    curves = {kind: _curve(found, weight) for kind, found in often.items()}
    return Calibration(_curve(all_of, weight), curves)


def _curve(trials: Sequence[Trial], weight: float) -> Curve:
    blocks = pool([(trial.evidence, trial.is_error, weight if trial.is_error else 1.0) for trial in trials])
    return Curve(tuple(start for start, _ in blocks), tuple(min(rate, _SUREST) for _, rate in blocks))


def pool(points: Iterable[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """The non-decreasing step function with the least weighted squares: (from where, its value).

    Args:
        points: (position, value, weight), ordered by position.
    """
    blocks: list[tuple[float, float, float]] = []  # start, sum of weighted values, sum of weights
    for start, here in groupby(points, key=lambda point: point[0]):
        _, values, weights = zip(*here, strict=True)
        blocks.append((start, sum(map(mul, values, weights)), sum(weights)))
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            (start, *first), (_, *second) = blocks[-2:]
            blocks[-2:] = [(start, first[0] + second[0], first[1] + second[1])]
    return [(start, total / weight) for start, total, weight in blocks]
