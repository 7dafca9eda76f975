"""Words to regions, and the order in which a region's words are read (numpy)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from ocr_pipeline.data.layout_lmdb.format.geometry import shared_areas

MIN_SHARE = 0.5
"""Share of a word's area that has to lie in a region for the word to be the region's."""

_LINE_TOLERANCE = 0.6
_TALL = 2.0


def assign_words(words: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """The region that holds the largest share of each word, and of equals the smallest (a text in a table).

    Args:
        words: boxes [N, 4] as x0, y0, x1, y1.
        regions: boxes [M, 4].

    Returns:
        int64 [N]: positions in ``regions``, -1 for words of which no region holds half.
    """
    if not len(words) or not len(regions):
        return np.full(len(words), -1, np.int64)
    smallest_first = np.argsort((regions[:, 2:] - regions[:, :2]).prod(axis=1), kind="stable")
    shares = shared_areas(words, regions[smallest_first])
    best = shares.argmax(axis=1)
    held = shares[np.arange(len(words)), best] >= MIN_SHARE
    return np.where(held, smallest_first[best], -1)


def reading_lines(words: np.ndarray, texts: Sequence[str], region: np.ndarray) -> list[list[int]]:
    """The words of one region in reading order, line by line.

    Lines run from top to bottom, words within a line from left to right. In a tall region of upright words the
    lines are columns, read from top to bottom, the rightmost first: two columns of two words each, on the left 0 and 1,
    on the right 2 and 3, give [[2, 3], [0, 1]].

    Args:
        words: boxes [N, 4] of the region's words.
        texts: their transcriptions.
        region: box [4].

    Returns:
        positions in ``words``, one list for each line.
    """
    if not len(words):
        return []
    centres, sizes = (words[:, :2] + words[:, 2:]) / 2, words[:, 2:] - words[:, :2]
    vertical = _set_vertically(sizes, texts, region)
    across = 0 if vertical else 1
    tolerance = _LINE_TOLERANCE * median(sizes[:, across].tolist())
    across_lines, along = centres[:, across].tolist(), centres[:, 1 - across].tolist()
    lines: list[list[int]] = []
    total = 0.0  # of the last line's positions
    for word in np.argsort(centres[:, across], kind="stable").tolist():
        if lines and across_lines[word] - total / len(lines[-1]) <= tolerance:
            lines[-1].append(word)
            total += across_lines[word]
        else:
            lines.append([word])
            total = across_lines[word]
    ordered = [sorted(line, key=lambda word: (along[word], word)) for line in lines]
    return ordered[::-1] if vertical else ordered


def _set_vertically(sizes: np.ndarray, texts: Sequence[str], region: np.ndarray) -> bool:
    """Whether the words run from top to bottom: most longer ones are tall, or, of single letters, the region is."""
    tall = [height > width for (width, height), text in zip(sizes.tolist(), texts, strict=True) if len(text) > 1]
    if tall:
        return 2 * sum(tall) > len(tall)
    width, height = region[2:] - region[:2]
    return bool(height >= _TALL * width)
