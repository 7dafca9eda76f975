"""Format 1 of the earlier scripts: pickled ``{'bboxes', 'words', 'filename'}``, read without running anything in it."""

from __future__ import annotations

import io

import msgspec
import numpy as np
from PIL import Image

from ocr_pipeline.data.layout_lmdb.format.geometry import clip_quad
from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord, LayoutWord
from ocr_pipeline.page import Quad, nfc, word_state
from ocr_pipeline.storage.files.plain_pickle import load_plain

_NORMALISED_UP_TO = 1.000001


class _OldSample(msgspec.Struct):
    bboxes: list[list[float | list[float]]]
    words: list[str | None]
    filename: str = ""


def decode_legacy_record(data: bytes, image: bytes) -> LayoutRecord:
    """The record of a format 1 sample.

    Args:
        data: pickled dict; boxes of 8 numbers (x, y of each corner), in pixels or as shares of width and height.
        image: the encoded picture, whose header gives the size.

    Raises:
        ValueError: the pickle is broken, holds more than plain data, or holds something else.
    """
    sample = msgspec.convert(load_plain(io.BytesIO(data)), _OldSample)
    width, height = _size(image)
    boxes = np.array([np.ravel(box) for box in sample.bboxes], np.float64).reshape(-1, 4, 2)
    if not np.isfinite(boxes).all():
        raise ValueError("a box has coordinates that are no numbers")
    if len(boxes) != len(sample.words):
        raise ValueError(f"{len(boxes)} boxes for {len(sample.words)} words")
    if boxes.size and boxes.max() <= _NORMALISED_UP_TO:
        boxes = boxes * (width, height)
    words = tuple(
        LayoutWord(clip_quad(_quad(corners), width, height), nfc(text or ""), word_state(text), position)
        for position, (corners, text) in enumerate(zip(boxes.tolist(), sample.words, strict=True))
    )
    return LayoutRecord("", "", nfc(sample.filename), "", width, height, words)


def _size(image: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(image)) as picture:
            return picture.size
    except OSError as error:
        raise ValueError(f"its picture cannot be read ({error})") from error


def _quad(corners: list[list[float]]) -> Quad:
    a, b, c, d = ((x, y) for x, y in corners)
    return a, b, c, d
