"""What letters stand on, and what scanners, fax machines, screens and cameras make of both.

Pictures are (H, W, 3) float32 RGB from 0 to 255 here, so that nothing is rounded on the way.
"""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg

from ocr_pipeline.data.synthetic.looks import cloud, grain, piece, worn

Colour = np.ndarray  # (3,) float32

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def colours(rng: np.random.Generator, plain: float) -> tuple[Colour, Colour]:
    """Ground and ink, told apart by their lightness; ``plain`` is the share of dark ink on light paper."""
    kind = rng.random()
    if kind < plain:
        ground = np.float32(rng.uniform(205, 255)) + rng.normal(0, 5, 3)
        ink = np.float32(rng.uniform(0, 110)) + rng.normal(0, 14, 3)
        return np.clip(ground, 0, 255).astype(np.float32), np.clip(ink, 0, 255).astype(np.float32)
    contrast = rng.uniform(45, 110) if rng.random() < 0.4 else rng.uniform(80, 200)
    while True:
        ground, ink = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        if abs(float((ground - ink) @ _LUMA)) > contrast:
            return ground, ink
        contrast *= 0.9


def surface(shape: tuple[int, int], colour: Colour, rng: np.random.Generator, rich: float) -> np.ndarray:
    """A ground of one colour, unevenly lit; with the chance ``rich`` patched, striped or tiled as well."""
    tone = piece(cloud(24), shape, rng) * rng.uniform(0, 9)
    if rng.random() < rich:
        tone = tone + _structure(shape, rng) * rng.uniform(6, 30)
    if rng.random() < 0.3:
        left, right = rng.uniform(-25, 25, 2)
        tone = tone + np.linspace(left, right, shape[1], dtype=np.float32)[None, :]
    return colour + tone[..., None]


def _structure(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Stripes, a grid, blots or fabric, (H, W) float32 between about -1 and 1."""
    kind, period = int(rng.integers(5)), rng.uniform(3, 30)
    y, x = np.ogrid[: shape[0], : shape[1]]
    if kind == 0:
        angle = rng.uniform(0, np.pi)
        return np.sin((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)).astype(np.float32)
    if kind == 1:
        return np.broadcast_to((x % period < 1.5) | (y % period < 1.5), shape).astype(np.float32) * 1.5
    if kind == 2:
        return np.sign(piece(cloud(8), shape, rng))
    if kind == 3:
        return piece(cloud(3), shape, rng) * 0.7
    patch = rng.normal(0, 1, (2, 4)).astype(np.float32)
    return cv2.resize(patch, shape[::-1], interpolation=cv2.INTER_NEAREST)


def painted(picture: np.ndarray, cover: np.ndarray, colour: Colour, strength: float = 1.0) -> np.ndarray:
    """``picture`` with ``colour`` where ``cover`` (H, W) uint8 says."""
    share = cover.astype(np.float32)[..., None] * np.float32(strength / 255)
    return picture + share * (colour - picture)


def form_lines(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What forms print near words, and people draw through them: rules, frames, strokes."""
    rows, columns = picture.shape[:2]
    colour, width = tuple(map(float, rng.uniform(0, 170, 3))), int(rng.integers(1, 2 + rows // 24))
    kind = rng.random()
    drawn = np.ascontiguousarray(picture)
    if kind < 0.75:  # rules along the edges of the crop
        for low, high in ((0.0, 0.1), (0.9, 1.0)):
            if rng.random() < 0.6:
                y = int(rows * rng.uniform(low, high))
                cv2.line(drawn, (0, y), (columns, y + int(rng.integers(-2, 3))), colour, width)
        if rng.random() < 0.4:
            x = int(columns * (rng.uniform(0, 0.04) if rng.random() < 0.5 else rng.uniform(0.96, 1)))
            cv2.line(drawn, (x, 0), (x, rows), colour, width)
        return drawn
    y0, y1 = rows * rng.uniform(0.3, 0.9, 2)  # a thin stroke through the word
    cv2.line(drawn, (0, int(y0)), (columns, int(y1)), colour, 1, cv2.LINE_AA)
    return drawn


def struck_out(picture: np.ndarray, ink: Colour, size: int, rng: np.random.Generator) -> np.ndarray:
    """One line or two through the word, or a cross, by a ruler or by hand; it can still be read."""
    rows, columns = picture.shape[:2]
    cover, width = np.zeros((rows, columns), np.uint8), 1 + int(rng.integers(0, 1 + size // 20))
    slopes = (0.0, 0.0) if rng.random() < 0.75 else (0.35, -0.35)
    for slope in slopes[: 1 + int(rng.random() < 0.4)]:
        place = np.linspace(-0.05, 1.05, 9)
        height = rng.uniform(0.35, 0.65) + slope * (place - 0.5) + rng.normal(0, rng.uniform(0, 0.03), 9)
        points = np.stack([place * columns, height * rows], axis=1).astype(np.int32)
        cv2.polylines(cover, [points], False, 255, width, cv2.LINE_AA)
    return painted(picture, cover, ink, rng.uniform(0.6, 1.0))


def stamped(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of a seal across the word: its frame and its strokes, in ink that lets the word shine through."""
    rows, columns = picture.shape[:2]
    cover, reach = np.zeros((rows, columns), np.uint8), max(8.0, rows * rng.uniform(0.45, 1.1))
    x, y = (int(side * rng.uniform(0.05, 0.95)) for side in (columns, rows))
    width = max(1, round(reach * rng.uniform(0.04, 0.12)))
    if rng.random() < 0.6:
        cv2.circle(cover, (x, y), round(reach), 255, width, cv2.LINE_AA)
    else:
        cv2.rectangle(cover, (x - round(reach), y - round(reach)), (x + round(reach), y + round(reach)), 255, width)
    for _ in range(int(rng.integers(4, 12))):
        ends = (rng.uniform(-0.6, 0.6, (2, 2)) * reach + (x, y)).astype(int)
        ends[1, int(rng.integers(2))] = ends[0, 0] if rng.random() < 0.5 else ends[0, 1]
        cv2.line(cover, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, width, cv2.LINE_AA)
    inks = ((200, 30, 45), (215, 60, 60), (60, 40, 150))
    through = np.array(inks[int(rng.integers(3))], np.float32) / 255
    share = worn(cover, rng).astype(np.float32)[..., None] * np.float32(rng.uniform(0.35, 0.85) / 255)
    return picture * (1 - share * (1 - through))


def seen(picture: np.ndarray, rng: np.random.Generator, clean: float) -> np.ndarray:
    """What a scanner or camera gives of it, (H, W, 3) uint8; with the chance ``clean`` nearly untouched."""
    if rng.random() >= clean:
        if rng.random() < 0.25:
            picture = _coarse(picture, rng)
        if rng.random() < 0.45:
            picture = _blurred(picture, rng)
        if rng.random() < 0.05:
            picture = picture + (_moire(picture.shape[:2], rng) * rng.uniform(5, 25))[..., None]
        if rng.random() < 0.5:
            picture = picture + piece(grain(), picture.shape[:2], rng)[..., None] * rng.uniform(1, 14)
        if rng.random() < 0.06:
            picture = _faxed(picture, rng)
        if rng.random() < 0.2:
            picture = (picture - 128) * rng.uniform(0.5, 1.2) + 128 + rng.uniform(-40, 40)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        pixels = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(pixels, quality=int(rng.integers(25, 95))))
    return pixels


def _coarse(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = picture.shape[:2]
    share = max(rng.uniform(0.35, 0.9), 13 / rows)
    if share >= 1:
        return picture
    small = (max(4, round(columns * share)), max(4, round(rows * share)))
    way = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    return cv2.resize(cv2.resize(picture, small, interpolation=way), (columns, rows), interpolation=cv2.INTER_LINEAR)


def _blurred(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows = picture.shape[0]
    if rng.random() < 0.75:
        return cv2.GaussianBlur(picture, (0, 0), max(0.2, rows * rng.uniform(0.005, 0.035)))
    length, angle = max(2, round(rows * rng.uniform(0.05, 0.14))), rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle, reach = (length - 1) / 2, length / 2
    ends = [(round(middle + s * reach * np.cos(angle)), round(middle + s * reach * np.sin(angle))) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(picture, -1, kernel / max(1.0, float(kernel.sum())))


def _moire(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Two gratings a few degrees apart, as a camera sees a screen."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(1.6, 4)
    waves = [
        np.sin((x * np.cos(turned) + y * np.sin(turned)) * (2 * np.pi / pitch))
        for turned in (angle, angle + np.deg2rad(rng.uniform(1, 5)))
    ]
    return (waves[0] * waves[1]).astype(np.float32)


def _faxed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Black and white by a threshold between what is light and what is dark, with a ragged edge."""
    grey = picture @ _LUMA
    low, high = np.percentile(grey, (3, 97))
    level = low + (high - low) * rng.uniform(0.4, 0.65)
    white = grey + piece(grain(), grey.shape, rng) * (high - low) * rng.uniform(0, 0.1) > level
    return np.repeat(white[..., None].astype(np.float32) * 255, 3, axis=2)
