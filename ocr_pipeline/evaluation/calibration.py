"""Whether a confidence means what it says, and from which on a word needs no look."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

BINS = 15
TARGET = 0.99
"""Share of right words that is asked of those that nobody looks at."""
_Z = 1.959964  # the normal distribution's quantile of a two-sided 95 %


class Bin(msgspec.Struct, frozen=True):
    """Words of like confidence: how many words, their mean confidence, and the share of them that is right."""

    words: int
    confidence: float
    right: float


class Calibration(msgspec.Struct, frozen=True):
    """How honest confidences are.

    Attributes:
        bins: equally many words each, from the least sure to the surest.
        ece: expected calibration error: mean of \\|confidence - right\\| over all words, bin by bin.
        brier: mean squared difference of confidence and being right.
        threshold: the least confidence from which on at least `TARGET` of the words are right (the lower end of
            Wilson's 95 % interval says so); None where no confidence promises that.
        unseen: the share of words that need no look then.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    threshold: float | None
    unseen: float


def calibration(confidences: Sequence[float], right: Sequence[bool], target: float = TARGET) -> Calibration:
    """Hold confidences (0 to 1) of words against whether they were right.

    Raises:
        ValueError: the two differ in number, or there are none.
    """
    if len(confidences) != len(right) or not len(confidences):
        raise ValueError(f"{len(confidences)} confidences and {len(right)} judgements")
    order = np.argsort(confidences, kind="stable")
    sure, hits = np.asarray(confidences, np.float64)[order], np.asarray(right, np.float64)[order]
    parts = [part for part in np.array_split(np.arange(len(sure)), BINS) if len(part)]
    bins = tuple(
        Bin(len(part), round(float(sure[part].mean()), 5), round(float(hits[part].mean()), 5)) for part in parts
    )
    ece = sum(len(part) * abs(sure[part].mean() - hits[part].mean()) for part in parts) / len(sure)
    threshold = no_look_threshold(sure, hits, target)
    unseen = 0.0 if threshold is None else float((sure >= threshold).mean())
    return Calibration(bins, round(float(ece), 5), round(float(((sure - hits) ** 2).mean()), 5), threshold, unseen)


def no_look_threshold(
    confidences: npt.NDArray[np.float64], right: npt.NDArray[np.float64], target: float
) -> float | None:
    """The least confidence above which Wilson's lower bound of the share of right words reaches the target.

    Args:
        confidences: in ascending order; ``right``: 1 or 0 for each.
    """
    for start in _starts(confidences):
        rest = right[start:]
        if wilson_low(int(rest.sum()), len(rest)) >= target:
            return float(confidences[start])
    return None


def _starts(confidences: npt.NDArray[np.float64]) -> list[int]:
    """Where each confidence occurs first: equal ones are taken or left together."""
    return np.unique(confidences, return_index=True)[1].tolist()


def wilson_low(hits: int, count: int) -> float:
    """Lower end of Wilson's 95 % interval of a share (1927)."""
    share, spread = hits / count, _Z * _Z / count
    return (share + spread / 2 - _Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))) / (1 + spread)
