"""Pages as their words' corners in the order in which a person reads them: columns, forms, tables, signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Quads = list[np.ndarray]


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], float)


def prose(rng: np.random.Generator, x: float, y: float, width: float, lines: int, size: float = 20) -> Quads:
    """Lines of words; the last one of a paragraph is short, paragraphs stand apart."""
    quads: Quads = []
    for line in range(lines):
        end = x + width * (rng.uniform(0.3, 1) if line % 7 == 6 else 1)
        pen = x
        while pen + 2 * size < end:
            long = min(rng.uniform(1.5, 6) * size, end - pen)
            quads.append(box(pen, y, long, size))
            pen += long + rng.uniform(0.25, 0.5) * size
        y += size * (1.6 + (1.2 if line % 7 == 6 else 0))
    return quads


def one_column(rng: np.random.Generator) -> Quads:
    return [*prose(rng, 300, 60, 500, 1, 40), *prose(rng, 80, 160, 900, 25)]


def two_columns(rng: np.random.Generator) -> Quads:
    """A heading across, and columns whose lines stand on the same baselines."""
    heading = prose(rng, 80, 60, 880, 1, 40)
    return [*heading, *prose(rng, 80, 160, 420, 25), *prose(rng, 540, 160, 420, 25)]


def three_columns(rng: np.random.Generator) -> Quads:
    return [quad for x in (60, 400, 740) for quad in prose(rng, x, 100 + rng.uniform(0, 15), 290, 30)]


def form(rng: np.random.Generator) -> Quads:
    """Captions and what was filled in, two pairs in a row; a sentence above, a signature below."""
    quads = prose(rng, 80, 60, 880, 2)
    for row in range(8):
        for x in (80, 540):
            quads.append(box(x, 200 + 60 * row, rng.uniform(40, 90), 20))
            pen = x + 130
            for _ in range(int(rng.integers(1, 3))):
                long = rng.uniform(50, 110)
                quads.append(box(pen, 198 + 60 * row, long, 24))
                pen += long + 9
    return [*quads, *prose(rng, 80, 720, 880, 3), box(700, 860, 120, 26), box(835, 860, 60, 26)]


def table(rng: np.random.Generator) -> Quads:
    """A row of captions, cells of one word or two, some of them empty."""
    quads = prose(rng, 350, 60, 300, 1, 36)
    for row in range(12):
        for column in range(5):
            if row and column and rng.random() < 0.2:
                continue
            pen = 80 + 180 * column + rng.uniform(0, 30)
            for _ in range(int(rng.integers(1, 3))):
                long = rng.uniform(30, 60)
                quads.append(box(pen, 160 + 46 * row, long, 20))
                pen += long + 8
    return quads


def signs(rng: np.random.Generator) -> Quads:
    """A board: a large name, smaller lines below it, a vertical sign at its right."""
    quads = [box(100, 80, 240, 110), box(380, 85, 200, 105)]
    for line in range(3):
        quads += prose(rng, 100, 240 + 60 * line, 480, 1, 30)
    return [*quads, box(760, 80, 60, 300), box(760, 400, 60, 200)]


def vertical(rng: np.random.Generator) -> Quads:
    """Columns of tall words, from right to left."""
    quads: Quads = []
    for column in range(6):
        pen = 80.0
        while pen < 700:
            long = rng.uniform(60, 160)
            quads.append(box(700 - 60 * column, pen, 30, long))
            pen += long + 10
    return quads


MADE: dict[str, Callable[[np.random.Generator], Quads]] = {
    made.__name__: made for made in (one_column, two_columns, three_columns, form, table, signs, vertical)
}


def skewed(quads: Quads, degrees: float, rng: np.random.Generator, jitter: float = 0.06) -> Quads:
    """Turned around the page's middle, each corner moved by a share of the word's height."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [
        (quad - 500) @ turn + 500 + rng.uniform(-jitter, jitter, (4, 2)) * min(np.ptp(quad[:, 0]), np.ptp(quad[:, 1]))
        for quad in quads
    ]


def shuffled(quads: Quads, rng: np.random.Generator) -> Iterator[tuple[int, np.ndarray]]:
    return ((int(place), quads[place]) for place in rng.permutation(len(quads)))
