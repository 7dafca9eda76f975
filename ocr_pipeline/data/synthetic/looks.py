"""What becomes of ink: strokes that swell, fade and flake, letters with outline, shadow or relief, lines that bend.

Each function takes (H, W) uint8 covers, 255 where the ink is, and gives new ones; ``rng`` decides what varies.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

Cover = np.ndarray


@lru_cache(maxsize=1)
def grain() -> np.ndarray:
    """A sheet of noise, (512, 1024) float32 of deviation 1, the same for everybody; views of it are cheap."""
    return np.random.Generator(np.random.PCG64(20260101)).standard_normal((512, 1024), np.float32)


@lru_cache(maxsize=4)
def cloud(size: int) -> np.ndarray:
    """Smooth noise, (512, 1024) float32 of deviation 1, whose blots measure about ``size`` pixels."""
    soft = cv2.GaussianBlur(grain(), (0, 0), size)
    return soft / soft.std()


def piece(sheet: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A view of ``sheet`` of the shape (height, width), from anywhere; stretched where it is too small."""
    rows, columns = min(shape[0], sheet.shape[0]), min(shape[1], sheet.shape[1])
    y, x = int(rng.integers(sheet.shape[0] - rows + 1)), int(rng.integers(sheet.shape[1] - columns + 1))
    view = sheet[y : y + rows, x : x + columns]
    return view if view.shape == shape else cv2.resize(view, shape[::-1])


def bolder(cover: Cover, pixels: int) -> Cover:
    return cv2.dilate(cover, _disc(pixels))


def thinner(cover: Cover, share: float) -> Cover:
    """Strokes eaten from their rims; where they are thin already they only grow pale."""
    eaten = cv2.erode(cover, _disc(1))
    return cv2.addWeighted(eaten, share, cover, 1 - share, 0)


def pen_drawn(cover: Cover, size: int, rng: np.random.Generator) -> Cover:
    """Round strokes of a width and flow of their own, as a pen leaves them."""
    soft = cv2.GaussianBlur(cover, (0, 0), size * rng.uniform(0.018, 0.04))
    level = rng.uniform(50, 130)
    inked = np.clip((soft.astype(np.float32) - level) * rng.uniform(2.5, 6), 0, 255)
    flow = 1 - rng.uniform(0, 0.3) * np.clip(piece(cloud(8), cover.shape, rng) * 0.5 + 0.5, 0, 1)
    return (inked * flow).astype(np.uint8)


def worn(cover: Cover, rng: np.random.Generator) -> Cover:
    """Paint that flaked, toner that ran out: holes of one of three sizes."""
    holes = piece(cloud((1, 3, 8)[int(rng.integers(3))]), cover.shape, rng)
    kept = np.clip((holes + rng.uniform(0.5, 1.6)) * 2, 0, 1)
    return (cover * kept).astype(np.uint8)


def dotted(cover: Cover, size: int, rng: np.random.Generator) -> Cover:
    """A dot matrix printer's: 16 to 24 rows of dots a letter."""
    rows = max(8, round(cover.shape[0] / size * rng.integers(16, 25)))
    columns = max(4, round(cover.shape[1] * rows / cover.shape[0]))
    needles = cv2.resize(cover, (columns, rows), interpolation=cv2.INTER_AREA) > rng.uniform(70, 110)
    dots = np.zeros((rows * 3, columns * 3), np.uint8)
    dots[1::3, 1::3] = needles * np.uint8(255)
    struck = cv2.dilate(dots, np.ones((3, 3) if rng.random() < 0.5 else (2, 3), np.uint8))
    return cv2.resize(struck, cover.shape[::-1], interpolation=cv2.INTER_AREA)


def outline(cover: Cover, pixels: int) -> Cover:
    """The rim around the letters alone."""
    return cv2.subtract(cv2.dilate(cover, _disc(pixels)), cover)


def shifted(cover: Cover, x: int, y: int) -> Cover:
    return cv2.warpAffine(cover, np.array([[1.0, 0, x], [0, 1.0, y]]), cover.shape[::-1])


def waving(cover: Cover, size: int, strength: float, rng: np.random.Generator) -> Cover:
    """Every point moved by a smooth random field of about ``strength`` em, so that straight strokes bend."""
    rows, columns = cover.shape
    knots = (3, 2 + 2 * columns // size)
    field = rng.normal(0, strength * size, (*knots, 2)).astype(np.float32)
    shift = cv2.resize(field, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return _moved(cover, shift[..., 0], shift[..., 1])


def arched(cover: Cover, height: float) -> Cover:
    """The line bent to an arc that rises (or, below 0, falls) by ``height`` pixels in its middle."""
    columns = cover.shape[1]
    place = np.linspace(-1, 1, columns, dtype=np.float32)
    return _moved(cover, np.float32(0), height * (1 - place**2)[None, :])


def seen_from_aside(cover: Cover, size: int, rng: np.random.Generator, strength: float) -> Cover:
    """Turned, sheared and in perspective, on a canvas that holds it whole."""
    rows, columns = cover.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    turn, shear = rng.normal(0, 0.03 * strength), rng.normal(0, 0.12 * strength)
    linear = np.array([[1, -shear - turn], [turn, 1]], np.float32)
    moved = corners @ linear.T + rng.normal(0, 0.05 * strength, (4, 2)).astype(np.float32) * size
    moved -= moved.min(axis=0)
    width, height = (int(side) for side in np.ceil(moved.max(axis=0)))
    return cv2.warpPerspective(cover, cv2.getPerspectiveTransform(corners, moved.astype(np.float32)), (width, height))


def _moved(cover: Cover, dx: np.ndarray | np.float32, dy: np.ndarray) -> Cover:
    rows, columns = cover.shape
    x = np.broadcast_to(np.arange(columns, dtype=np.float32)[None, :] + dx, (rows, columns))
    y = np.broadcast_to(np.arange(rows, dtype=np.float32)[:, None] + dy, (rows, columns))
    return cv2.remap(cover, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR)


@lru_cache(maxsize=16)
def _disc(pixels: int) -> np.ndarray:
    side = 2 * pixels + 1 if pixels > 1 else pixels + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE if side > 2 else cv2.MORPH_RECT, (side, side))
