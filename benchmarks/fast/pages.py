"""Made-up pages, dense with words, for the benchmarks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.data.layout_lmdb import LayoutRecord, LayoutWord


def word_quads(count: int, height: int, width: int, seed: int = 0) -> list[npt.NDArray[np.int32]]:
    """``count`` slightly shaken quads in rows, some of which touch."""
    random = np.random.default_rng(seed)
    columns = round((count * width / height / 2.5) ** 0.5) or 1
    rows = -(-count // columns)
    wide, high = width / columns, height / rows
    quads = []
    for number in range(count):
        x, y = (number % columns) * wide, (number // columns) * high
        corners = np.array([(0.05, 0.2), (0.95, 0.2), (0.95, 0.8), (0.05, 0.8)]) * (wide, high) + (x, y)
        quads.append((corners + random.uniform(-0.06, 0.06, (4, 2)) * (wide, high)).astype(np.int32))
    return quads


def kernel_logits(count: int, height: int, width: int) -> npt.NDArray[np.float32]:
    """Logits (height / 4, width / 4) with ``count`` parted words."""
    logits = np.full((height // 4, width // 4), -6, np.float32)
    for quad in word_quads(count, height // 4, width // 4):
        centre = quad.mean(axis=0)
        cv2.fillPoly(logits, [np.rint((quad - centre) * (0.8, 0.6) + centre).astype(np.int32)], 4.0)
    noise = np.random.default_rng(1).normal(0, 0.5, logits.shape)
    return (logits + noise).astype(np.float32)


def dense_page(count: int, height: int, width: int, seed: int = 0) -> tuple[bytes, LayoutRecord]:
    """A JPEG with ``count`` dark words on light paper, and its labels."""
    random = np.random.default_rng(seed)
    page = np.full((height, width, 3), 235, np.uint8)
    words = []
    for number, quad in enumerate(word_quads(count, height, width, seed)):
        cv2.fillPoly(page, [quad], (50, 50, 60))
        a, b, c, d = ((float(x), float(y)) for x, y in quad)
        words.append(LayoutWord((a, b, c, d), "낱말", "ok", number))
    page = np.clip(page + random.normal(0, 5, page.shape), 0, 255).astype(np.uint8)
    record = LayoutRecord("drawn", "train", f"{seed}.jpg", "", width, height, tuple(words))
    return cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes(), record
