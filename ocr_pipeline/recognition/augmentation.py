"""Changes to a training crop that leave its text readable: what scanners, cameras and hands do to a word."""

from __future__ import annotations

import cv2
import numpy as np

SHARE = 0.5  # how often each change happens
TURN, SHEAR, STRETCH = 3.0, 0.15, 0.08  # degrees; width per height; share of the size
CONTRAST, LIGHT, NOISE = 0.3, 30.0, 8.0  # share; grey levels; their standard deviation


def augment(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A changed copy of a crop, (H, W, 3) uint8 of the same size: geometry, focus, light and noise, each at times.

    The border goes on outwards in the colour that is there, and small enough are the moves that no letter leaves.
    """
    if rng.random() < SHARE:
        rgb = _moved(rgb, rng)
    if rng.random() < SHARE:
        rgb = _blurred(rgb, rng)
    if rng.random() < SHARE:
        rgb = _lit(rgb, rng)
    return rgb


def _moved(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = rgb.shape[:2]
    turn = np.deg2rad(rng.uniform(-TURN, TURN)) * min(1.0, 4 * height / width)  # a long line leaves the crop sooner
    shear, across, down = rng.uniform(-SHEAR, SHEAR), *(1 - rng.uniform(0, STRETCH, 2))
    linear = np.array([[across, shear - turn], [turn, down]])
    middle = np.array([width, height]) / 2
    move = np.column_stack([linear, middle - linear @ middle])
    return cv2.warpAffine(rgb, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _blurred(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height = rgb.shape[0]
    return cv2.GaussianBlur(rgb, (0, 0), sigmaX=max(0.2, rng.uniform(0.0, 0.03) * height))


def _lit(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    contrast, light = 1 + rng.uniform(-CONTRAST, CONTRAST), rng.uniform(-LIGHT, LIGHT)
    grain = rng.normal(0.0, rng.uniform(0.0, NOISE), rgb.shape[:2])[..., None]
    return np.clip((rgb.astype(np.float32) - 128) * contrast + 128 + light + grain, 0, 255).astype(np.uint8)
