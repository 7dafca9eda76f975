"""What text stands before: walls, tiles, cloth, leaves, rooms out of focus; drawn, and without any text.

Every ground is a function of size (width, height) and generator to (H, W, 3) uint8 RGB pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.data.synthetic.pages.lettering import Colour
from ocr_pipeline.data.synthetic.pages.surface import Pixels

Size = tuple[int, int]
Field = npt.NDArray[np.float32]


def any_ground(size: Size, rng: np.random.Generator) -> Pixels:
    """One of them."""
    return GROUNDS[int(rng.integers(len(GROUNDS)))](size, rng)


def some_colour(rng: np.random.Generator, low: float = 20, high: float = 235, spread: float = 30) -> Colour:
    """A colour of a lightness between ``low`` and ``high``."""
    red, green, blue = np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 0, 255)
    return int(red), int(green), int(blue)


def noise(size: Size, rng: np.random.Generator, cell: float, octaves: int = 1) -> Field:
    """Smooth noise of deviation about 1: random knots ``cell`` pixels apart, and finer ones at half the strength."""
    total = np.zeros(size[::-1], np.float32)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.5)
        knots = rng.normal(0, 1, (2 + int(size[1] / step), 2 + int(size[0] / step))).astype(np.float32)
        total += cv2.resize(knots, size, interpolation=cv2.INTER_CUBIC) / 2**octave
    return total


def plain(size: Size, rng: np.random.Generator) -> Pixels:
    """One colour, unevenly lit."""
    strength = rng.uniform(1, 12)
    light = noise(size, rng, rng.uniform(60, 400))[..., None] * strength
    return _pixels(np.asarray(some_colour(rng)) + light)


def gradient(size: Size, rng: np.random.Generator) -> Pixels:
    """From one colour to another."""
    angle = rng.uniform(0, 2 * np.pi)
    across = np.linspace(0, np.cos(angle), size[0])[None, :] + np.linspace(0, np.sin(angle), size[1])[:, None]
    share = (across - across.min()) / max(np.ptp(across), 1e-6)
    first, last = np.asarray(some_colour(rng)), np.asarray(some_colour(rng))
    return _pixels(first + share[..., None] * (last - first))


def rough(size: Size, rng: np.random.Generator) -> Pixels:
    """Concrete, plaster, asphalt, cardboard: noise of many sizes."""
    base, tint = np.asarray(some_colour(rng, spread=15)), rng.uniform(0.5, 1.2, 3)
    grain = noise(size, rng, rng.uniform(4, 80), 4) * rng.uniform(4, 22)
    return _pixels(base + grain[..., None] * tint)


def bricks(size: Size, rng: np.random.Generator) -> Pixels:
    """Courses of bricks, or tiles where they are square."""
    high = rng.uniform(8, 70)
    wide, joint = high * rng.uniform(1, 3.4), max(1, round(high * rng.uniform(0.03, 0.16)))
    shift = 0.0 if rng.random() < 0.4 else 0.5
    rows, columns = int(size[1] / high) + 2, int(size[0] / wide) + 3
    base, mortar = np.asarray(some_colour(rng)), np.asarray(some_colour(rng, 70))
    shades = np.clip(
        base + rng.normal(0, rng.uniform(2, 20), (rows, columns, 1)) + rng.normal(0, 4, (rows, columns, 3)), 0, 255
    )
    y, x = np.arange(size[1])[:, None], np.arange(size[0])[None, :]
    row = (y / high).astype(int)
    place = x / wide + (row % 2) * shift
    pixels = shades[row, place.astype(int)] + noise(size, rng, 5)[..., None] * rng.uniform(0, 9)
    between = ((y % high) < joint) | ((place % 1) * wide < joint)
    return _pixels(np.where(between[..., None], mortar, pixels))


def stripes(size: Size, rng: np.random.Generator) -> Pixels:
    """Blinds, shutters, planks, corrugated sheet, zebra crossings: bands across, lit by turns."""
    pitch, angle = rng.uniform(4, 60), rng.choice([0, 0, np.pi / 2, np.pi / 2, rng.uniform(0, np.pi)])
    y, x = np.arange(size[1])[:, None], np.arange(size[0])[None, :]
    phase = (x * np.sin(angle) + y * np.cos(angle)) / pitch % 1
    wave = np.sin(2 * np.pi * phase) if rng.random() < 0.5 else np.sign(phase - rng.uniform(0.1, 0.6))
    first, last = np.asarray(some_colour(rng)), np.asarray(some_colour(rng))
    grain = noise(size, rng, 6)[..., None] * rng.uniform(0, 8)
    return _pixels((first + last) / 2 + wave[..., None] * (first - last) / 2 * rng.uniform(0.1, 1) + grain)


def leaves(size: Size, rng: np.random.Generator) -> Pixels:
    """Foliage, grass, gravel, a crowd: many small blobs over each other."""
    pixels = plain(size, rng) // 2
    hue, reach = np.asarray(some_colour(rng, 50, 170, 40)), rng.uniform(4, 28)
    stretch = rng.uniform(0.15, 0.9)
    for _ in range(int(min(900, 1.3 * size[0] * size[1] / reach**2))):
        centre = int(rng.uniform(0, size[0])), int(rng.uniform(0, size[1]))
        shade = np.clip(hue * rng.uniform(0.4, 1.5), 0, 255).tolist()
        axes = max(1, int(reach * rng.uniform(0.5, 1))), max(1, int(reach * stretch))
        cv2.ellipse(pixels, centre, axes, rng.uniform(0, 180), 0, 360, shade, -1, cv2.LINE_AA)
    return pixels


def weave(size: Size, rng: np.random.Generator) -> Pixels:
    """Cloth, mesh, chain-link fence: two sets of thin lines crossing."""
    pixels = plain(size, rng)
    pitch, thick, colour = rng.uniform(5, 45), int(rng.integers(1, 4)), some_colour(rng)
    lean = rng.choice([0.0, 1.0, rng.uniform(0.3, 2)])
    reach = int(lean * size[1])
    for start in np.arange(-reach, size[0] + reach, pitch):
        cv2.line(pixels, (int(start), 0), (int(start + reach), size[1]), colour, thick, cv2.LINE_AA)
        if lean:
            cv2.line(pixels, (int(start), 0), (int(start - reach), size[1]), colour, thick, cv2.LINE_AA)
    if not lean:
        for y in np.arange(0, size[1], pitch):
            cv2.line(pixels, (0, int(y)), (size[0], int(y)), colour, thick, cv2.LINE_AA)
    return pixels


def scenery(size: Size, rng: np.random.Generator) -> Pixels:
    """A street or a room: polygons and discs in many colours, more or less out of focus."""
    pixels = gradient(size, rng)
    for _ in range(int(rng.integers(8, 50))):
        colour, (x, y) = some_colour(rng, spread=40), rng.uniform(-0.1, 1.1, 2) * size
        reach = rng.uniform(0.02, 0.35) * min(size)
        if rng.random() < 0.3:
            cv2.circle(pixels, (int(x), int(y)), max(1, int(reach / 2)), colour, -1, cv2.LINE_AA)
        else:
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach * rng.uniform(0.2, 1.5, 2)
            corners = corners + rng.normal(0, 0.15 * reach * (rng.random() < 0.5), (4, 2)) + (x, y)
            cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)
    blur = rng.choice([0.0, rng.uniform(0.5, 3), rng.uniform(3, 15)])
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), blur), np.uint8) if blur else pixels


def windows(size: Size, rng: np.random.Generator) -> Pixels:
    """The front of a building: rows of windows, some lit."""
    pixels = rough(size, rng)
    wide, high = rng.uniform(14, 90, 2)
    frame = some_colour(rng)
    bars, gap = int(rng.integers(0, 3)), rng.uniform(1.15, 1.9)
    for y in np.arange(rng.uniform(0, high), size[1], high * gap):
        for x in np.arange(rng.uniform(0, wide), size[0], wide * gap):
            corner, end = (int(x), int(y)), (int(x + wide), int(y + high))
            cv2.rectangle(pixels, corner, end, some_colour(rng, 20, 160), -1)
            cv2.rectangle(pixels, corner, end, frame, max(1, int(wide / 18)))
            for bar in range(1, bars + 1):
                middle = int(x + wide * bar / (bars + 1))
                cv2.line(pixels, (middle, corner[1]), (middle, end[1]), frame, max(1, int(wide / 25)))
    return pixels


GROUNDS: tuple[Callable[[Size, np.random.Generator], Pixels], ...] = (
    plain,
    gradient,
    rough,
    bricks,
    stripes,
    leaves,
    weave,
    scenery,
    scenery,
    windows,
)


def _pixels(values: npt.NDArray) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)
