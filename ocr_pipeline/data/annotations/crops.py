"""Pages -> word crops, cut out and encoded as the user's settings say; every word is accounted for."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np

from ocr_pipeline.data.annotations.encoding import EXTENSIONS, encoder
from ocr_pipeline.data.annotations.files import crop_name
from ocr_pipeline.data.annotations.lossless import LosslessJpeg, library
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.geometry import (
    Box,
    Margin,
    can_rectify,
    is_within,
    quad_size,
    rectify,
    slipped_corner,
    upright_box,
)
from ocr_pipeline.data.picture_size import Fitted, Size, SizeDiffersError, fit
from ocr_pipeline.errors import end_on_shortage, tell_unexpected
from ocr_pipeline.page import Page, Quad, Quarantined, Word
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.jpeg_files import SIGNATURE
from ocr_pipeline.storage.files.orientation import orientation_of, upright
from ocr_pipeline.storage.files.pictures import decode_picture, demand_whole, page_count


class Origin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a crop comes from, as the LMDB keeps it.

    Attributes:
        source: label file on the share; ``image``: the picture's name; ``word``: the word's id in the label file.
        box: left, top, right, bottom of the crop in the picture's pixels.
        raw: the label as it was written, only where NFC changed it.
        quad: the corners that were made upright, only where that was asked for.
        window: where in the crop's pixels the box lies, only where the crop holds more.
    """

    source: str
    image: str
    word: int
    box: Box
    raw: str | None = None
    quad: Quad | None = None
    window: Box | None = None


class CropSample(msgspec.Struct, frozen=True, gc=False):
    """One crop as it waits in its shard.

    Attributes:
        name: the crop's path below ``crops/<dataset>/<split>``.
        text: NFC label without surrounding blanks.
        size, crc: bytes of the encoded crop, and their CRC-32.
    """

    name: str
    text: str
    size: int
    crc: int
    origin: Origin


@dataclass
class PageCrops:
    """What became of one page: its crops in the words' order, what was set aside, and the counts of both."""

    crops: list[tuple[CropSample, bytes]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def of(cls, page: Page) -> PageCrops:
        return cls(counts=Counts(pages_in=1, pages_out=1, words_in=len(page.words)))

    def add(self, sample: CropSample, crop: bytes) -> None:
        self.counts.words_out += 1
        self.crops.append((sample, crop))

    def set_aside(self, record: Quarantined) -> None:
        if record.unit == "page":
            self.counts.pages_out -= 1
        self.counts.set_aside(record)
        self.quarantined.append(record)


WordBox = tuple[Word, Box]
Encoded = tuple[bytes | None, Box | None]
"""An encoded crop, and where in its pixels the word's box lies if it holds more than that."""


class Cropper:
    """Cuts the words out of pages; one instance serves any number of threads.

    Raises:
        PipelineError: the settings ask for what is not installed.
    """

    def __init__(self, settings: AnnotationSettings) -> None:
        self._settings = settings
        self._margin = Margin.parse(settings.margin)
        self._wanted = settings.text_filter()
        self._encode = encoder(settings)
        if settings.codec == "jpeg-lossless":
            library()

    def crop(self, page: Page, folder: str, mark: str, read: Callable[[], bytes]) -> PageCrops:
        """The crops of one page.

        Args:
            folder: where the picture lies below the share, NFC; the crops mirror it.
            mark: a few characters that stand for this state of page, picture and settings; part of the crops' names.
            read: gives the encoded picture.
        """
        found = PageCrops.of(page)
        try:
            data = read()
            if not (self._settings.codec == "jpeg-lossless" and self._cut(found, page, folder, mark, data)):
                self._encode_anew(found, page, folder, mark, data)
        except Exception as error:  # noqa: BLE001 (goes to the log there)
            (end_on_shortage if isinstance(error, OSError | ValueError) else tell_unexpected)(error, page.image)
            found = PageCrops.of(page)
            found.set_aside(_no_crops(page, error))
        return found

    def _cut(self, found: PageCrops, page: Page, folder: str, mark: str, data: bytes) -> bool:
        """Take the crops out of a JPEG; False for a page of which its stored pixels do not give them."""
        demand_whole(data, self._settings.max_pixels)
        if not data.startswith(SIGNATURE):
            return False
        with LosslessJpeg(data) as jpeg:
            fitted = self._fitted(page, (jpeg.width, jpeg.height), data)
            if fitted.is_turned and orientation_of(data) != 1:
                return False
            word_boxes = list(self._word_boxes(found, fitted, jpeg.width, jpeg.height))
            self._collect(found, page, folder, mark, word_boxes, jpeg.crop([box for _, box in word_boxes]))
        return True

    def _encode_anew(self, found: PageCrops, page: Page, folder: str, mark: str, data: bytes) -> None:
        pixels = decode_picture(data, most_pixels=self._settings.max_pixels)
        fitted = self._fitted(page, (pixels.shape[1], pixels.shape[0]), data)
        if fitted.is_turned:
            pixels = upright(pixels, data)
        if self._settings.codec == "jpeg-lossless":
            found.counts.note("pages_encoded_anew")
        if page_count(data) > 1:
            found.counts.note("first_of_several_pages")
        height, width = pixels.shape[:2]
        word_boxes = list(self._word_boxes(found, fitted, width, height))
        self._collect(found, page, folder, mark, word_boxes, map(partial(self._encoded, pixels), word_boxes))

    def _fitted(self, page: Page, stored: Size, data: bytes) -> Fitted:
        turn = self._settings.exif == "apply"
        return fit(page, stored, partial(orientation_of, data), self._settings.other_size, turn=turn)

    def _encoded(self, pixels: np.ndarray, word_box: WordBox) -> Encoded:
        word, (left, top, right, bottom) = word_box
        if self._settings.crop == "quad":
            return self._encode(rectify(pixels, word.quad, self._margin.around(*quad_size(word.quad)))), None
        return self._encode(pixels[top:bottom, left:right]), None

    def _word_boxes(self, found: PageCrops, fitted: Fitted, width: int, height: int) -> Iterator[WordBox]:
        """The words that give a crop, each with its box and margin cut to the picture."""
        page = fitted.page
        if fitted.note:
            found.counts.note(fitted.note)
        for word in page.words:
            if word.state == "ignore":
                found.set_aside(_no_crop(page, word, "word_ignored", "the label gives no legible text"))
                continue
            if reason := self._wanted.reason_against(word.text.strip()):
                found.counts.leave_out(reason)
                continue
            box = left, top, right, bottom = upright_box(word.quad, width, height)
            if right <= left or bottom <= top:
                detail = f"nothing of it lies within the {width}x{height} picture"
                found.set_aside(_no_crop(page, word, "word_outside", detail))
                continue
            found.counts.note("words_clipped", not is_within(word.quad, width, height))
            if corner := slipped_corner(word.quad, width, height):
                detail = f"its corner at {corner} lies far from the others, on a picture of {width}x{height}"
                found.set_aside(_no_crop(page, word, "corner_slipped", detail))
                continue
            size = (right - left, bottom - top) if self._settings.crop == "box" else quad_size(word.quad)
            if min(size) < 1:
                found.set_aside(_no_crop(page, word, "quad_degenerate", "the corners enclose no area, or cross"))
            elif min(size) < self._settings.min_size:
                found.counts.leave_out("too_small")
            elif not self._is_sensible(word.quad, size, width, height):
                detail = f"{size[0]}x{size[1]} pixels and margin, of a picture of {width}x{height}"
                found.set_aside(_no_crop(page, word, "crop_too_large", detail))
            else:
                margin = self._margin.around(*size)
                yield word, upright_box(word.quad, width, height, margin) if margin else box

    def _is_sensible(self, quad: Quad, size: Size, width: int, height: int) -> bool:
        """Whether a crop is of a size that its picture can give; a box is, which was cut to the picture."""
        if self._settings.crop == "box":
            return True
        return can_rectify(quad, width, height, self._margin.around(*size), self._settings.max_pixels)

    def _collect(
        self,
        found: PageCrops,
        page: Page,
        folder: str,
        mark: str,
        word_boxes: list[WordBox],
        encoded: Iterable[Encoded],
    ) -> None:
        extension, stem = EXTENSIONS[self._settings.codec], page.stem
        rectified = self._settings.crop == "quad"
        for (word, box), (crop, window) in zip(word_boxes, encoded, strict=True):
            if crop is None:
                found.set_aside(_no_crop(page, word, "crop_not_encoded", f"box {box}"))
                continue
            quad = word.quad if rectified else None
            origin = Origin(page.label, page.image, word.id, box, word.raw_text, quad, window)
            name = crop_name(folder, stem, f"_{word.id:06d}_{mark}{extension}")
            found.add(CropSample(name, word.text.strip(), len(crop), zlib.crc32(crop), origin), crop)


def _no_crop(page: Page, word: Word, reason: str, detail: str) -> Quarantined:
    return word.set_aside(page, reason, detail, {"text": word.raw_text or word.text, "quad": word.quad})


def _no_crops(page: Page, error: Exception) -> Quarantined:
    if isinstance(error, SizeDiffersError):
        return page.set_aside("size_differs", str(error))
    if isinstance(error, OSError | ValueError):
        return page.set_aside("image_unreadable", str(error))
    return page.unexpected(error)
