"""What is exported: the samples of published artifacts, one after the other, each with its origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.data.annotations import Crop, CropReader
from ocr_pipeline.data.layout_lmdb import LayoutReader, LayoutRecord
from ocr_pipeline.storage.files.pictures import decode_picture


@dataclass(frozen=True)
class Source:
    """A published artifact.

    Attributes:
        dataset, split: whose.
        path: where it lies.
        version: the fingerprint in its manifest.
    """

    dataset: str
    split: str
    path: Path
    version: str

    def origin(self, index: int) -> dict[str, str]:
        """Where a sample comes from, as columns: the same in every form."""
        sample = f"{self.path.name}#{index + 1}"
        return {"dataset": self.dataset, "split": self.split, "sample": sample, "version": self.version}


class CropSample(NamedTuple):
    """A word: its encoded picture, just the word, its file ending, text, and origin."""

    picture: bytes
    ending: str
    text: str
    origin: dict[str, str]


class PageSample(NamedTuple):
    """A page: its encoded picture, file ending, record, and origin."""

    picture: bytes
    ending: str
    page: LayoutRecord
    origin: dict[str, str]


def crops_of(source: Source) -> Iterator[CropSample]:
    """All crops of an artifact of step 4, in its order."""
    crops = CropReader(source.path)
    for index in range(len(crops)):
        crop = crops.read(index)
        picture = _only_the_word(crop)
        yield CropSample(picture, ending_of(picture), crop.text, source.origin(index))


def pages_of(source: Source) -> Iterator[PageSample]:
    """All pages of an artifact of step 5, in its order."""
    pages = LayoutReader(source.path)
    for index in range(len(pages)):
        picture, page = pages.read(index)
        yield PageSample(picture, ending_of(picture), page, source.origin(index))


def _only_the_word(crop: Crop) -> bytes:
    """The picture as it is stored; cut, and encoded without loss, where it holds more than the word."""
    if crop.window is None:
        return crop.image
    pixels = np.ascontiguousarray(crop.cut(decode_picture(crop.image)))
    return cv2.imencode(".png", pixels)[1].tobytes()


def ending_of(picture: bytes) -> str:
    """The file ending of an encoded picture, by its first bytes."""
    signatures = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"RIFF": ".webp", b"BM": ".bmp"}
    return next((ending for signature, ending in signatures.items() if picture.startswith(signature)), ".tif")
