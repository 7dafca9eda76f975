"""How far a score can be trusted: intervals by the bootstrap over pages (Efron 1979), and paired differences.

Words of one page are alike, so pages are drawn, not words. A score is computed from sums over pages; whoever is drawn
for one reader is drawn for all, so that a difference tells of the readers and not of the draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
LEVEL = 0.95

Floats = npt.NDArray[np.float64]
Formula = Callable[[Floats], Floats]
"""Scores [...] out of sums [..., parts]; NaN where there is nothing to score."""


class Estimate(NamedTuple):
    """A score and its 95 % interval; None where there was nothing to score."""

    value: float | None
    low: float | None
    high: float | None


class Sums(NamedTuple):
    """What a score is computed from: the parts of each page [pages, parts], and how."""

    pages: Floats
    formula: Formula


def drawn_pages(count: int, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """How often each page is drawn in each resample [resamples, count]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(np.float64)


def estimate(sums: Sums, draws: Floats) -> Estimate:
    """The score over all pages, and where it lies if the pages had been others."""
    return _estimate(float(sums.formula(sums.pages.sum(axis=0))), sums.formula(draws @ sums.pages))


def difference(sums: Sums, other: Sums, draws: Floats) -> Estimate:
    """By how much the first score exceeds the other, both on the same draws."""
    value = sums.formula(sums.pages.sum(axis=0)) - other.formula(other.pages.sum(axis=0))
    return _estimate(float(value), sums.formula(draws @ sums.pages) - other.formula(draws @ other.pages))


def ratio(sums: Floats) -> Floats:
    """First part over second."""
    return _divided(sums[..., 0], sums[..., 1])


def hmean(sums: Floats) -> Floats:
    """Harmonic mean of precision and recall, of (hits, detections, words); 0 where nothing is hit."""
    return _divided(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def cleval_hmean(sums: Floats) -> Floats:
    """CLEval's, of (found, split, joined, characters, detected)."""
    found, split, joined, characters, detected = np.moveaxis(sums, -1, 0)
    recall = np.nan_to_num(_divided(np.maximum(found - split, 0), characters))
    precision = np.nan_to_num(_divided(np.maximum(found - joined, 0), detected))
    return np.nan_to_num(_divided(2 * recall * precision, recall + precision))


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    empty = np.full(np.shape(denominator), np.nan)
    return np.divide(numerator, denominator, out=empty, where=np.asarray(denominator) > 0)


def _estimate(value: float, resampled: Floats) -> Estimate:
    known = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(known):
        return Estimate(None, None, None)
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Estimate(round(value, 5), round(float(low), 5), round(float(high), 5))
