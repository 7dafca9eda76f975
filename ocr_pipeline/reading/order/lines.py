"""From words to lines: each word goes to its nearest neighbour on the right, the nearest pairs first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocr_pipeline.reading.order.words import ELONGATED, Numbers, Places, Words

OVERLAP = 0.5  # of the lower word's height, at least, that neighbours share
FARTHEST = 1.3  # heights between neighbours of one line, at most
_OVERLAPPING = 0.6  # heights by which the boxes of neighbours may lie over each other
_ALIKE = 3.0  # times as high as its neighbour a word may be; a dash or a dot is a neighbour of any
_LETTERS = 1.5  # times as high as usual letters a vertical word is, at least
_STACKED = 3  # squares one below the other that make a column by themselves
_CLOSE = 0.6  # heights between such squares, at most: the cells of a table's column are farther apart
_AT_ONCE = 512  # words that look for their neighbours together


class OrderedLine(NamedTuple):
    """Words of a line in reading order.

    Attributes:
        places: numbers of the words.
        gaps: before each but the first, in heights of the line; a break between cells of a table is infinite.
        block: number of its block.
    """

    places: list[int]
    gaps: list[float]
    block: int
    vertical: bool


def runs(words: Words) -> list[Places]:
    """Words that follow each other without a wide gap, from left to right."""
    every = np.arange(len(words))
    return chains(len(words), *_pairs(words, every, every))


def gaps_in(words: Words, line: Places) -> list[float]:
    """Gaps between the words of a run, in its median height."""
    height = max(float(np.median(words.height[line])), 1e-6)
    return [float(_gap(words, line[:-1], line[1:])[number]) / height for number in range(len(line) - 1)]


def vertical_words(words: Words) -> npt.NDArray[np.bool_]:
    """Which words stand: the tall ones with the squares that are stacked with them, and stacks of squares alone.

    A ``1`` is tall too, but not higher than a letter.
    """
    letter = np.median(np.minimum(words.width, words.height))
    tall = (words.height >= ELONGATED * words.width) & (words.height > _LETTERS * letter)
    narrow = np.flatnonzero(words.width < ELONGATED * words.height)
    vertical = tall.copy()
    standing = words.of(narrow).standing()
    for stack in runs(standing):
        members = narrow[stack]
        is_column = len(members) >= _STACKED and max(gaps_in(standing, stack)) < _CLOSE
        if tall[members].any() or (is_column and _is_alone(words, members, ~tall)):
            vertical[members] = True
    return vertical


def _is_alone(words: Words, members: Places, others: npt.NDArray[np.bool_]) -> bool:
    """Whether none of the others follows or precedes these words on their own lines."""
    rest = np.setdiff1d(np.flatnonzero(others), members)
    return not len(_pairs(words, members, rest)[0]) and not len(_pairs(words, rest, members)[0])


def _pairs(words: Words, ones: Places, others: Places) -> tuple[Places, Places, Numbers]:
    """Pairs of a word and one on its right that may follow it, and the gaps between."""
    found = [_near(words, part, others) for part in np.array_split(ones, max(1, len(ones) // _AT_ONCE))]
    left, right = (np.concatenate(side) for side in zip(*found, strict=True))
    return left, right, _gap(words, left, right)


def _near(words: Words, ones: Places, others: Places) -> tuple[Places, Places]:
    one, other = ones[:, None], others[None, :]
    shift = words.centre[other] - words.centre[one]
    lower = np.minimum(words.height[one], words.height[other])
    higher = np.maximum(words.height[one], words.height[other])
    gap = _gap(words, one, other)
    aside = np.abs(_down(shift, words.slope[one], words.slope[other]))
    shared = np.minimum((words.height[one] + words.height[other]) / 2 - aside, lower)
    near = (gap > -_OVERLAPPING * lower) & (gap < FARTHEST * higher) & (shared > OVERLAP * lower)
    flat = np.where(words.height[one] < words.height[other], words.width[one], words.width[other])
    alike = (higher < _ALIKE * lower) | (flat < higher)
    row, column = np.nonzero(near & alike & (shift[..., 0] > 0))
    return ones[row], others[column]


def _gap(words: Words, one: Places, other: Places) -> Numbers:
    return words.left[other] - words.right[one]


def _down(shift: Numbers, slope: Numbers, other: Numbers) -> Numbers:
    """How far the other lies below the line on which a word stands."""
    return shift[..., 1] - np.tan((slope + other) / 2) * shift[..., 0]


def chains(count: int, left: Places, right: Places, cost: Numbers) -> list[Places]:
    """So many things in chains, each with its follower, from pairs that may follow each other; the cheapest first.

    With pairs 0-1 at 0.1, 0-2 at 0.2 and 1-2 at 0.3: 0 takes 1, 2 comes too late for 0, and 1 takes 2: one chain.
    """
    follower, taken = np.full(count, -1, np.intp), np.zeros(count, bool)
    for pair in np.argsort(cost, kind="stable"):
        if follower[left[pair]] < 0 and not taken[right[pair]]:
            follower[left[pair]], taken[right[pair]] = right[pair], True
    return [np.array(_chain(follower, int(first)), np.intp) for first in np.flatnonzero(~taken)]


def _chain(follower: Places, start: int) -> list[int]:
    chain = [int(start)]
    while follower[chain[-1]] >= 0:
        chain.append(int(follower[chain[-1]]))
    return chain
