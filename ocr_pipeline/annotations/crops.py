"""Pages -> word crops: upright boxes around the quads, cut to the picture, encoded as JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import msgspec
import numpy as np

from ocr_pipeline.page import Page, Quad, Word
from ocr_pipeline.storage.pictures import decode_picture
from ocr_pipeline.storage.quarantine import Quarantined

JPEG_QUALITY = 95


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One crop as it waits in its shard.

    Attributes:
        name: the crop's path below ``crops/<dataset>/<split>``.
        text: NFC label without surrounding blanks.
        source: label file on the share; ``word``: the word's id in it; ``image``: the picture's name.
        box: left, top, right, bottom of the crop in the picture's pixels.
        size: bytes of the encoded crop.
    """

    name: str
    text: str
    source: str
    word: int
    image: str
    box: tuple[int, int, int, int]
    size: int


def crop_page(page: Page, folder: str, read: Callable[[], bytes]) -> Iterator[tuple[Sample, bytes] | Quarantined]:
    """The crops of one page; words that give none come as quarantine records.

    Args:
        folder: where the picture lies below the share, NFC; the crops mirror it.
        read: gives the encoded picture.
    """
    try:
        pixels = decode_picture(read())
    except (OSError, ValueError) as error:
        yield Quarantined(
            "page",
            "image_unreadable",
            page.dataset,
            page.split,
            page.label,
            page.image,
            detail=str(error),
            words=len(page.words),
        )
        return
    for word in page.words:
        yield _crop_word(page, word, folder, pixels)


def _crop_word(page: Page, word: Word, folder: str, pixels: np.ndarray) -> tuple[Sample, bytes] | Quarantined:
    if word.state == "ignore":
        return _no_crop(page, word, "word_ignored", "the label gives no legible text")
    height, width = pixels.shape[:2]
    left, top, right, bottom = box = upright_box(word.quad, width, height)
    if right <= left or bottom <= top:
        return _no_crop(page, word, "word_outside", f"nothing of it lies within the {width}x{height} picture")
    encoded, data = cv2.imencode(".jpg", pixels[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        return _no_crop(page, word, "crop_not_encoded", f"box {box}")
    jpeg = data.tobytes()
    name = f"{folder}/{page.stem}_{word.id:06d}.jpg" if folder else f"{page.stem}_{word.id:06d}.jpg"
    return Sample(name, word.text.strip(), page.label, word.id, page.image, box, len(jpeg)), jpeg


def upright_box(quad: Quad, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom around a quad, cut to the picture; empty if nothing of it lies within."""
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    left, top = max(0, int(np.floor(min(xs)))), max(0, int(np.floor(min(ys))))
    return left, top, min(width, int(np.ceil(max(xs)))), min(height, int(np.ceil(max(ys))))


def _no_crop(page: Page, word: Word, reason: str, detail: str) -> Quarantined:
    raw: dict[str, Any] = {"text": word.raw_text or word.text, "quad": word.quad}
    return Quarantined(
        "word",
        reason,
        page.dataset,
        page.split,
        page.label,
        page.image,
        word.id,
        detail,
        raw=msgspec.json.encode(raw).decode(),
    )
