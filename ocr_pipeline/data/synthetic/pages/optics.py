"""From a flat surface to a picture of it: tilt, folds, light, blur, resolution, noise, compression."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.data.synthetic.pages.grounds import Size, any_ground, noise
from ocr_pipeline.data.synthetic.pages.lettering import DrawnWord, Points, quad_of
from ocr_pipeline.data.synthetic.pages.surface import Pixels, Surface


def tilted(size: Size, centre: Points, turn: float, strength: float, rng: np.random.Generator) -> Points:
    """The corners of a rectangle of ``size`` around ``centre``, turned by ``turn`` radians and seen from a side."""
    corners = quad_of(-size[0] / 2, -size[1] / 2, size[0] / 2, size[1] / 2)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return corners @ matrix.T + rng.uniform(-strength, strength, (4, 2)) * min(size) + centre


def on_a_desk(sheet: Surface, rng: np.random.Generator) -> Surface:
    """A sheet as it lies before the camera: some ground around it, or none where the camera is close."""
    size = (sheet.width, sheet.height)
    desk = Surface(any_ground(size, rng), rng)
    scale = rng.choice([rng.uniform(0.8, 0.97), rng.uniform(1.0, 1.25)])
    centre = np.array(size) * rng.uniform(0.46, 0.54, 2)
    shown = (round(size[0] * scale), round(size[1] * scale))
    desk.lay(sheet, tilted(shown, centre, rng.normal(0, 0.05), rng.uniform(0, 0.09), rng))
    return desk


def folded(surface: Surface, rng: np.random.Generator) -> None:
    """Bend a sheet: each column or row moves along a smooth curve, and is lit by its slope."""
    height, width = surface.pixels.shape[:2]
    strength = rng.uniform(0.2, 1) * min(height, width) * 0.012
    coarse = noise((width, height), rng, rng.uniform(80, 300)) * strength
    other = noise((width, height), rng, rng.uniform(80, 300)) * strength
    if rng.random() < 0.5:  # a crease
        place = rng.uniform(0.2, 0.8) * (height if rng.random() < 0.5 else width)
        axis = np.arange(height)[:, None] if rng.random() < 0.5 else np.arange(width)[None, :]
        coarse = coarse + (np.abs(axis - place) * rng.uniform(-0.03, 0.03)).astype(np.float32)
    x = np.arange(width, dtype=np.float32) + coarse
    y = np.arange(height, dtype=np.float32)[:, None] + other
    bent = cv2.remap(surface.pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    slope = cv2.Sobel(coarse + other, cv2.CV_32F, 1, 1, ksize=3) + np.gradient(coarse, axis=1)
    light = 1 + np.clip(slope * rng.uniform(0.5, 4), -0.35, 0.25)
    surface.pixels = np.clip(bent * light[..., None], 0, 255).astype(np.uint8)
    surface.words = [DrawnWord(word.text, _unbent(word.quad, coarse, other)) for word in surface.words]


def lit(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Uneven light, a shadow's edge, a glare, a tint."""
    size = (pixels.shape[1], pixels.shape[0])
    light = 1 + noise(size, rng, rng.uniform(100, 500)) * rng.uniform(0, 0.13)
    if rng.random() < 0.3:
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.65)
        across = np.arange(size[0]) * np.cos(angle) + np.arange(size[1])[:, None] * np.sin(angle)
        edge, soft = rng.uniform(across.min(), across.max()), rng.uniform(2, 60)
        light = light * (1 - depth / (1 + np.exp(np.clip((across - edge) / soft, -30, 30))))
    tint = rng.normal(1, 0.05, 3) * rng.uniform(0.6, 1.12)
    lighted = pixels * light[..., None] * tint
    if rng.random() < 0.08:
        spot, reach = rng.uniform(0, 1, 2) * size, rng.uniform(0.05, 0.25) * min(size)
        far = (np.arange(size[0]) - spot[0]) ** 2 + (np.arange(size[1])[:, None] - spot[1]) ** 2
        lighted = lighted + (rng.uniform(60, 150) * np.exp(-far / reach**2))[..., None]
    return np.clip(lighted, 0, 255).astype(np.uint8)


def taken(pixels: Pixels, rng: np.random.Generator, least: float) -> Pixels:
    """The camera's part: blur, motion, fewer pixels than shown, noise, JPEG; the lowest letters are ``least`` high."""
    size = (pixels.shape[1], pixels.shape[0])
    bearable = max(0.3, least / 11)  # so that small print stays text
    point = rng.random()
    if point < 0.35:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, min(bearable, 3.0) + 0.05)), np.uint8)
    elif point < 0.45:
        pixels = _shaken(pixels, rng, bearable)
    elif point < 0.65:
        scale = 1 / rng.uniform(1, 1 + min(bearable, 3.0) * 1.2)
        small = cv2.resize(pixels, (round(size[0] * scale), round(size[1] * scale)), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            small = _compressed(np.asarray(small, np.uint8), rng)
        pixels = np.asarray(cv2.resize(small, size, interpolation=int(rng.choice([1, 2]))), np.uint8)
    if rng.random() < 0.4:
        grain = int(rng.integers(2, 20))
        pixels = np.clip(pixels + rng.integers(-grain, grain + 1, pixels.shape, np.int16), 0, 255).astype(np.uint8)
    return _compressed(pixels, rng) if rng.random() < 0.3 else pixels


def _compressed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _shaken(pixels: Pixels, rng: np.random.Generator, bearable: float) -> Pixels:
    """Motion along a short line."""
    reach = int(2 * round(min(bearable, 4.0) * 1.5) + 1)
    brush, angle = np.zeros((reach, reach), np.float32), rng.uniform(0, np.pi)
    step, middle = np.array([np.cos(angle), np.sin(angle)]) * (reach // 2), reach // 2
    ends = [tuple(int(v) for v in np.rint(middle + sign * step)) for sign in (-1, 1)]
    cv2.line(brush, (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]), 1)
    return np.asarray(cv2.filter2D(pixels, -1, brush / brush.sum()), np.uint8)


def _unbent(quad: Points, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> Points:
    """Where a quad's corners went: the field tells where each place came from, and is smooth."""
    place = quad
    for _ in range(2):
        column = np.clip(place[:, 0], 0, x.shape[1] - 1).astype(int)
        row = np.clip(place[:, 1], 0, x.shape[0] - 1).astype(int)
        place = quad - np.stack([x[row, column], y[row, column]], 1)
    return place
