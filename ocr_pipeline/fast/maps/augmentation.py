"""Random training crops: the changes of the published recipe in one warp, so that a page is resampled only once.

Scaling, mirroring, rotating, perspective and cropping are composed to one map of picture and polygons; the target maps
are then drawn at the size of the crop, sharp, instead of being warped with the picture (numpy and OpenCV only).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.fast.config import Augmentation
from ocr_pipeline.fast.maps.pictures import Picture, scale_to
from ocr_pipeline.storage.files.pictures import decode_picture

Points = npt.NDArray[np.float64]  # (n, 2)
Matrix = npt.NDArray[np.float64]  # (3, 3), of homogeneous coordinates


class Crop(NamedTuple):
    """A square training picture.

    Attributes:
        picture: (size, size, 3) RGB, black outside the page.
        polygons: those of the page, in pixels of the crop; they may lie outside it.
        page: corners of the page in pixels of the crop.
    """

    picture: Picture
    polygons: list[Points]
    page: Points


def random_crop(
    picture: Picture,
    polygons: Sequence[Points],
    ignored: Sequence[bool],
    size: int,
    short_size: int,
    settings: Augmentation,
    random: np.random.Generator,
) -> Crop:
    """A random crop, with text in it and no word cut in two if ``settings.tries`` can find that."""
    height, width = picture.shape[:2]
    matrix, canvas = _random_view(height, width, short_size, settings, random)
    starts = np.cumsum([0, *(len(polygon) for polygon in polygons)])[:-1]
    moved = _apply(matrix, np.concatenate([np.empty((0, 2)), *polygons]))  # all at once: there may be hundreds
    origin = _choose_origin(_bounds(moved, starts)[:, ~np.array(ignored, bool)], canvas, size, settings.tries, random)
    matrix = _shift(-origin) @ matrix
    pixels = _warp(picture, matrix, size)
    pixels = change_colours(pixels, settings, random)
    if settings.shadow and random.random() < settings.shadow:
        pixels = cast_shadow(pixels, random)
    if settings.jpeg and random.random() < settings.jpeg:
        pixels = compress(pixels, random)
    return Crop(
        pixels, np.split(moved - origin, starts[1:]) if polygons else [], _apply(matrix, _corners(width, height))
    )


def change_colours(picture: Picture, settings: Augmentation, random: np.random.Generator) -> Picture:
    """Blur, then brightness, contrast, saturation and hue, each by a random amount."""
    if random.random() < settings.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), max(random.random(), 0.1))
    bright, contrast, colour = (
        random.uniform(1 - most, 1 + most) for most in (settings.brightness, settings.contrast, settings.saturation)
    )
    turn = round(random.uniform(-settings.hue, settings.hue) * 180)  # OpenCV counts hue in steps of two degrees
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    mean = cv2.mean(grey)[0] * bright
    levels = np.clip(np.arange(256) * bright * contrast + mean * (1 - contrast), 0, 255).astype(np.uint8)
    picture = cv2.LUT(picture, levels)
    if settings.saturation:
        grey = cv2.LUT(grey, levels)
        picture = cv2.addWeighted(picture, colour, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), 1 - colour, 0)
    if turn:
        hue, *others = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV))
        hue = cv2.LUT(hue, ((np.arange(256) + turn) % 180).astype(np.uint8))
        picture = cv2.cvtColor(cv2.merge([hue, *others]), cv2.COLOR_HSV2RGB)
    return picture


def cast_shadow(picture: Picture, random: np.random.Generator) -> Picture:
    """Darken one side of a random line through the picture, with a soft edge."""
    height, width = picture.shape[:2]
    angle, (x, y) = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.8, 2) * (width, height)
    softness = random.uniform(0.01, 0.1) * max(height, width)
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    depth = (columns - np.float32(x)) * np.float32(np.cos(angle)) + (rows - np.float32(y)) * np.float32(np.sin(angle))
    share = np.clip(depth / np.float32(softness) + np.float32(0.5), 0, 1) * np.float32(random.uniform(0.3, 0.6))
    return (picture * (1 - share)[..., None]).astype(np.uint8)


def compress(picture: Picture, random: np.random.Generator) -> Picture:
    """The picture after JPEG compression at a random quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 91))]
    return decode_picture(cv2.imencode(".jpg", picture, quality)[1].tobytes())


def _random_view(
    height: int, width: int, short_size: int, settings: Augmentation, random: np.random.Generator
) -> tuple[Matrix, tuple[float, float]]:
    """From the page to the scaled, mirrored, rotated and tilted canvas; and the canvas (width, height)."""
    scale = random.uniform(*settings.scale) * scale_to(height, width, short_size)
    aspect = np.sqrt(random.uniform(*settings.aspect))
    canvas = width * scale * aspect, height * scale / aspect
    across = -1 if random.random() < settings.flip else 1
    angle = np.deg2rad(random.uniform(-settings.rotation, settings.rotation))
    turn = np.eye(3)
    turn[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    turn = turn @ np.diag([across * scale * aspect, scale / aspect, 1])
    matrix = _shift(np.array(canvas) / 2) @ turn @ _shift(np.array((-width / 2, -height / 2)))
    if settings.perspective:
        straight = _corners(*canvas)
        tilted = straight + random.uniform(-settings.perspective, settings.perspective, (4, 2)) * canvas
        matrix = cv2.getPerspectiveTransform(straight.astype(np.float32), tilted.astype(np.float32)) @ matrix
    return matrix, canvas


def _bounds(points: Points, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Lowest and highest x and y of each polygon (2, n, 2); a polygon's points begin at its place in ``starts``."""
    if not len(starts):
        return np.empty((2, 0, 2))
    return np.stack([np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)])


def _choose_origin(
    bounds: npt.NDArray[np.float64], canvas: tuple[float, float], size: int, tries: int, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Top left of the crop: of some tries the first with whole words only, else the one with text that cuts fewest.

    ``bounds`` (2, n, 2) are those of the words.
    """
    room = np.maximum(np.array(canvas) - size, 0)
    origins = np.floor(random.uniform(size=(tries, 2)) * (room + 1))
    if not bounds.shape[1]:
        return origins[0]
    low, high = bounds[0] - origins[:, None], bounds[1] - origins[:, None]
    whole = ((low >= 0) & (high <= size)).all(axis=2)
    seen = ((high > 0) & (low < size)).all(axis=2)
    cut = (seen & ~whole).sum(axis=1)
    cut[~whole.any(axis=1)] += bounds.shape[1] + 1  # no whole word at all: only if nothing better is found
    return origins[int(np.argmin(cut))]


def _warp(picture: Picture, matrix: Matrix, size: int) -> Picture:
    if np.array_equal(matrix[2], (0, 0, 1)):
        return cv2.warpAffine(picture, matrix[:2], (size, size), flags=cv2.INTER_LINEAR)
    return cv2.warpPerspective(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _shift(by: Points) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def _corners(width: float, height: float) -> Points:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _apply(matrix: Matrix, points: Points) -> Points:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return moved[:, :2] / moved[:, 2:]
