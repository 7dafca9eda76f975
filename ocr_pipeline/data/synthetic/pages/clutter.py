"""Things that are taken for text and are none: arrows, icons, codes, hatching, scribbles, ruled boxes.

Every drawing goes into a box (x0, y0, x1, y1) of the pixels, in one colour.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocr_pipeline.data.synthetic.pages.lettering import Colour
from ocr_pipeline.data.synthetic.pages.surface import Pixels

Box = tuple[int, int, int, int]


def any_clutter(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """One of them."""
    if box[2] - box[0] > 3 and box[3] - box[1] > 3:
        CLUTTER[int(rng.integers(len(CLUTTER)))](pixels, box, colour, rng)


def arrow(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """An arrow, a chevron, or several of them in a row."""
    x0, y0, x1, y1 = box
    count = int(rng.integers(1, 4))
    reach = min((x1 - x0) / count, y1 - y0) / 2
    angle, kind = rng.choice([0, 0.5, 1, 1.5, rng.uniform(0, 2)]) * np.pi, rng.random()
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if kind < 0.5:
        shape = np.array([(-1, -0.25), (0.1, -0.25), (0.1, -0.7), (1, 0), (0.1, 0.7), (0.1, 0.25), (-1, 0.25)])
    elif kind < 0.8:
        shape = np.array([(-0.5, -0.9), (0, -0.9), (0.8, 0), (0, 0.9), (-0.5, 0.9), (0.3, 0)])
    else:
        shape = np.array([(-0.8, -0.8), (0.9, 0), (-0.8, 0.8)])
    for number in range(count):
        centre = x0 + (x1 - x0) * (number + 0.5) / count, (y0 + y1) / 2
        _fill(pixels, shape @ turn.T * reach * 0.9 + centre, colour)


def icon(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """A pictogram: star, house, cross, heart, person, gear, ring, envelope, lens."""
    x0, y0, x1, y1 = box
    reach, centre = min(x1 - x0, y1 - y0) / 2, np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    x, y, size = int(centre[0]), int(centre[1]), max(2, int(reach))
    thick, kind = max(1, size // int(rng.integers(4, 9))), int(rng.integers(8))
    if kind == 0:
        points, inner = int(rng.integers(5, 13)), rng.uniform(0.35, 0.8)
        turns = np.arange(2 * points) * np.pi / points - np.pi / 2
        radii = np.where(np.arange(2 * points) % 2, inner, 1)[:, None]
        _fill(pixels, np.stack([np.cos(turns), np.sin(turns)], 1) * radii * reach + centre, colour)
    elif kind == 1:
        _fill(
            pixels,
            np.array([(-0.7, 1), (-0.7, 0), (-1, 0), (0, -1), (1, 0), (0.7, 0), (0.7, 1)]) * reach + centre,
            colour,
        )
    elif kind == 2:
        cv2.line(pixels, (x - size, y), (x + size, y), colour, 2 * thick, cv2.LINE_AA)
        cv2.line(pixels, (x, y - size), (x, y + size), colour, 2 * thick, cv2.LINE_AA)
    elif kind == 3:
        cv2.circle(pixels, (x, y - size // 2), size // 3, colour, -1, cv2.LINE_AA)
        cv2.ellipse(pixels, (x, y + size), (size // 2, size), 0, 180, 360, colour, -1, cv2.LINE_AA)
    elif kind == 4:
        for radius in range(size, 0, -3 * thick):
            cv2.circle(pixels, (x, y), radius, colour, thick, cv2.LINE_AA)
    elif kind == 5:
        cv2.rectangle(pixels, (x - size, y - size * 2 // 3), (x + size, y + size * 2 // 3), colour, thick)
        corners = np.array([(-1, -0.66), (0, 0.1), (1, -0.66)]) * reach + centre
        cv2.polylines(pixels, [np.rint(corners).astype(np.int32)], False, colour, thick, cv2.LINE_AA)
    elif kind == 6:
        cv2.circle(pixels, (x - size // 4, y - size // 4), size * 2 // 3, colour, thick, cv2.LINE_AA)
        cv2.line(pixels, (x + size // 4, y + size // 4), (x + size, y + size), colour, 2 * thick, cv2.LINE_AA)
    else:
        cv2.circle(pixels, (x, y), size, colour, thick, cv2.LINE_AA)
        for turn in np.arange(12) * np.pi / 6:
            inner, outer = centre + np.outer((0.8, 0.95), (np.cos(turn), np.sin(turn))) * reach
            cv2.line(pixels, _point(inner), _point(outer), colour, thick, cv2.LINE_AA)
        for turn, length in zip(rng.uniform(0, 2 * np.pi, 2), (0.5, 0.7), strict=True):
            cv2.line(
                pixels, (x, y), _point(centre + reach * length * np.array([np.cos(turn), np.sin(turn)])), colour, thick
            )


def barcode(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """Bars of four widths on white."""
    x0, y0, x1, y1 = box
    pixels[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 245
    x, unit = x0 + 3.0, max(1.0, (x1 - x0) / rng.uniform(60, 110))
    while x < x1 - 3:
        bar = unit * int(rng.integers(1, 5))
        cv2.rectangle(pixels, (round(x), y0 + 2), (round(min(x + bar, x1 - 3)) - 1, y1 - 3), (20, 20, 20), -1)
        x += bar + unit * int(rng.integers(1, 5))


def square_code(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """A QR code's look: modules at random, three finders."""
    side = min(box[2] - box[0], box[3] - box[1])
    count = int(rng.choice([21, 25, 29, 33]))
    modules = np.where(rng.random((count + 4, count + 4)) < 0.5, 250, 15).astype(np.uint8)
    modules[[0, 1, -1, -2]], modules[:, [0, 1, -1, -2]] = 250, 250
    for row, column in ((2, 2), (2, count - 5), (count - 5, 2)):
        modules[row - 1 : row + 8, column - 1 : column + 8] = 250
        for inset, shade in ((0, 15), (1, 250), (2, 15)):
            modules[row + inset : row + 7 - inset, column + inset : column + 7 - inset] = shade
    _paste(pixels, cv2.resize(modules, (side, side), interpolation=cv2.INTER_NEAREST), box)


def hatching(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """Parallel strokes, a railing, a comb, a staircase."""
    x0, y0, x1, y1 = box
    pitch, lean, thick = rng.uniform(3, 14), rng.choice([0, 0, rng.uniform(-1, 1)]), int(rng.integers(1, 4))
    for x in np.arange(x0, x1, pitch):
        cv2.line(pixels, (int(x), y1), (int(x + lean * (y1 - y0)), y0), colour, thick, cv2.LINE_AA)
    if rng.random() < 0.4:
        for y in (y0, y1):
            cv2.line(pixels, (x0, y), (x1, y), colour, thick + 1)


def scribble(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """A curve that wanders: a crack, a wire, a branch."""
    x0, y0, x1, y1 = box
    knots = rng.uniform((x0, y0), (x1, y1), (int(rng.integers(3, 6)), 2))
    times = np.linspace(0, 1, 30)[:, None]
    curve = knots[:1] * (1 - times) ** 2 + 2 * knots[1:2] * times * (1 - times) + knots[2:3] * times**2
    cv2.polylines(pixels, [np.rint(curve).astype(np.int32)], False, colour, int(rng.integers(1, 5)), cv2.LINE_AA)


def empty_form(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """Ruled boxes and lines where nothing was filled in, check boxes, dotted leaders."""
    x0, y0, x1, y1 = box
    pitch = rng.uniform(7, 30)
    kind = rng.random()
    for y in np.arange(y0, y1, pitch):
        if kind < 0.3:
            for x in np.arange(x0, x1, max(3, pitch / 4)):
                cv2.circle(pixels, (int(x), int(y)), 1, colour, -1)
        else:
            cv2.line(pixels, (x0, int(y)), (x1, int(y)), colour, 1)
    if kind > 0.6:
        for x in np.arange(x0, x1, pitch * rng.uniform(0.8, 4)):
            cv2.line(pixels, (int(x), y0), (int(x), y1), colour, 1)


def dots(pixels: Pixels, box: Box, colour: Colour, rng: np.random.Generator) -> None:
    """Discs or squares in rows: bolts, lamps, a keypad without figures, a palette."""
    x0, y0, x1, y1 = box
    pitch = rng.uniform(6, 40)
    reach, square = max(1, int(pitch * rng.uniform(0.1, 0.42))), rng.random() < 0.4
    for y in np.arange(y0 + reach, y1, pitch):
        for x in np.arange(x0 + reach, x1, pitch):
            if square:
                cv2.rectangle(pixels, (int(x - reach), int(y - reach)), (int(x + reach), int(y + reach)), colour, -1)
            else:
                cv2.circle(pixels, (int(x), int(y)), reach, colour, -1, cv2.LINE_AA)


CLUTTER: tuple[Callable[[Pixels, Box, Colour, np.random.Generator], None], ...] = (
    arrow,
    arrow,
    icon,
    icon,
    icon,
    barcode,
    square_code,
    hatching,
    scribble,
    empty_form,
    dots,
)


def _fill(pixels: Pixels, corners: np.ndarray, colour: Colour) -> None:
    cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)


def _point(place: np.ndarray) -> tuple[int, int]:
    return int(place[0]), int(place[1])


def _paste(pixels: Pixels, grey: np.ndarray, box: Box) -> None:
    x0, y0 = max(box[0], 0), max(box[1], 0)
    region = pixels[y0 : y0 + grey.shape[0], x0 : x0 + grey.shape[1]]
    region[:] = grey[: region.shape[0], : region.shape[1], None]
