"""Picture files: those of a folder, and their pixels.

One decoder serves every stage; it refuses half a picture instead of padding it grey.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import PICTURE_ENDINGS
from ocr_pipeline.storage.files.jpeg_files import END_OF_IMAGE, SIGNATURE, jpeg_fault, jpeg_size, sound_jpeg
from ocr_pipeline.storage.files.typed_paths import demand_folder
from ocr_pipeline.storage.files.walking import walk

logger = logging.getLogger(__name__)

MOST_PIXELS = 200_000_000
"""Of a picture, unless a setting says otherwise: four times what a scanner makes of an A3 sheet at 400 dpi."""
MOST_PIXELS_VARIABLE = "OCR_PIPELINE_MOST_PIXELS"

BROKEN = (OSError, SyntaxError, ValueError, TypeError, EOFError, struct.error)
"""What Pillow says of a damaged file; TypeError of a TIFF whose directory lacks what each has."""
_PNG, _TIFF = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Image.MAX_IMAGE_PIXELS = None  # Pillow's own bound, lower than ours, would forbid to read even the header


def decode_picture(data: bytes, order: Literal["BGR", "RGB"] = "BGR", most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Pixels as they are stored: labels count them so, and EXIF orientation is for `orientation` to apply.

    The orientation of a TIFF is no note of a camera but a part of the format; it is applied by every reader, and here.
    Grey and palette pictures become coloured, 16 bits become 8, transparency is laid on white; of several pages or
    frames the first is taken.

    Args:
        order: of the colours.
        most_pixels: larger pictures are refused before memory is taken for them.

    Returns:
        uint8 [height, width, 3], contiguous.

    Raises:
        ValueError: with the reason, when the data is truncated, damaged, too large or no picture.
        MemoryError: there is not enough for this picture.
    """
    demand_whole(data, most_pixels)
    colours = jpeg_colours(data)
    if colours in ("Gray", "YCbCr"):
        # The pixels of OpenCV's decoder, bit for bit (both are libjpeg-turbo), in nine tenths of its time.
        return _jpeg_pixels(data, order)
    if colours:
        _jpeg_pixels(data, "RGB" if colours == "RGB" else "CMYK")  # OpenCV, which knows them, tells of no damage
    with opencv_memory():
        bgr = _by_pillow(data) if _is_beyond_opencv(data) else _bgr(eight_bits(_by_opencv(data)))
        return bgr if order == "BGR" else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def demand_whole(data: bytes, most_pixels: int = MOST_PIXELS) -> None:
    """See to it that a picture is not truncated or too large, as far as its outline tells without decoding it.

    Raises:
        ValueError: with the reason.
    """
    if fault := _outline_fault(data):
        raise ValueError(fault)
    _demand_size(_size_told(data), most_pixels)


def _demand_size(size: tuple[int, int], most_pixels: int) -> None:
    width, height = size
    if width * height > most_pixels:
        raise ValueError(
            f"the picture is too large: {width}x{height} are more than {most_pixels:,} pixels ({MOST_PIXELS_VARIABLE})"
        )


def page_count(data: bytes) -> int:
    """How many pages a TIFF holds; 1 for other pictures.

    Raises:
        ValueError: not all of its pages are there.
    """
    if not data.startswith(_TIFF):
        return 1
    with _opened(data) as picture:
        try:
            return getattr(picture, "n_frames", 1) if picture else 1
        except BROKEN as error:
            raise ValueError(
                f"the picture is damaged or cut short: not all of its pages are there ({error})"
            ) from error


def say_of_more_pages(data: bytes, where: object) -> None:
    """Log that the first page alone of a TIFF is taken, where it holds more."""
    try:
        pages = page_count(data)
    except ValueError as error:
        logger.warning("%s: the first page alone is taken (%s)", where, error)
    else:
        if pages > 1:
            logger.warning("%s holds %d pages; the first alone is taken", where, pages)


def picture_of_page(data: bytes, number: int, most_pixels: int = MOST_PIXELS) -> bytes:
    """One page of a TIFF, from 1, as a TIFF of its own that stands upright; any other picture as it is.

    Raises:
        ValueError: it is damaged or too large.
    """
    if page_count(data) == 1:
        return data
    with _opened(data) as picture:
        assert picture is not None  # it has pages
        try:
            picture.seek(number - 1)
            _demand_size(picture.size, most_pixels)
            page = io.BytesIO()
            ImageOps.exif_transpose(picture.copy()).save(page, "TIFF")
        except BROKEN as error:
            raise ValueError(f"the picture cannot be decoded ({error})") from error
    return page.getvalue()


@contextmanager
def opencv_memory() -> Iterator[None]:
    """Lack of memory within OpenCV is told as Python tells it; its other errors as a ValueError."""
    try:
        yield
    except cv2.error as error:
        raise opencv_error(error) from error


def opencv_error(error: cv2.error) -> MemoryError | ValueError:
    """The same for what is done too often for a context of its own."""
    if error.code == cv2.Error.StsNoMem:
        return MemoryError(error.err)
    return ValueError(f"the picture cannot be worked on ({error.err})")


def pictures_in(folder: str | Path, *, deep: bool = False) -> list[Path]:
    """The pictures of a folder, told by their endings and sorted by path; what else is there is counted in the log.

    Args:
        deep: those of the folders below it too.

    Raises:
        PipelineError: there is none, or no such folder.
    """
    demand_folder(Path(folder), "Name a folder of pictures.")
    found = walk(Path(folder), PICTURE_ENDINGS, deep=deep)
    found.tell(Path(folder))
    if not found.files:
        known = ", ".join(sorted(PICTURE_ENDINGS))
        raise PipelineError("there are no pictures", where=folder, remedy=f"Name a folder with {known} files.")
    return found.files


@contextmanager
def one_thread_in_opencv() -> Iterator[None]:
    """Where pages are worked on in parallel, threads of OpenCV within them would only wait for each other."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def tail_is_whole(tail: bytes) -> bool:
    """Whether the last bytes of a picture file are those of a whole JPEG or PNG."""
    return b"IEND" in tail or END_OF_IMAGE in tail


def _outline_fault(data: bytes) -> str | None:
    if not data:
        return "the file is empty"
    if data.startswith(SIGNATURE):
        return jpeg_fault(data)
    if data.startswith(_PNG) and not _png_ends(data):
        return "the picture is truncated (PNG without its IEND chunk)"
    return None


def _size_told(data: bytes) -> tuple[int, int]:
    """Width and height by the header; 0, 0 where nobody can read it."""
    if size := jpeg_size(data):
        return size
    with _opened(data) as picture:
        return picture.size if picture else (0, 0)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image | None]:
    """The picture as Pillow knows it by its header; None if it is none."""
    try:
        picture = Image.open(io.BytesIO(data))
    except BROKEN:  # UnidentifiedImageError is an OSError
        yield None
        return
    with picture:
        yield picture


def jpeg_colours(data: bytes) -> str:
    """Those of a JPEG: Gray, YCbCr, RGB, CMYK or YCCK; empty for other pictures, and where they or sampling are odd."""
    try:
        return simplejpeg.decode_jpeg_header(data, strict=False)[2] if data.startswith(SIGNATURE) else ""
    except (ValueError, KeyError):
        return ""


def _jpeg_pixels(data: bytes, order: str) -> np.ndarray:
    try:
        return simplejpeg.decode_jpeg(data, order, strict=True)
    except ValueError as error:
        sound = sound_jpeg(data, str(error))
    # What was only joined is asked about anew: libjpeg tells of its first warning and keeps the others to itself.
    return _jpeg_pixels(sound, order) if sound is not data else simplejpeg.decode_jpeg(data, order, strict=False)


def _by_opencv(data: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        width, height = _size_told(data)
        np.empty((height, width, 4), np.uint8)  # OpenCV keeps it to itself when memory ran out; then so it does here
        raise ValueError("the picture cannot be decoded (damaged, or no known format)")
    return pixels


def _is_beyond_opencv(data: bytes) -> bool:
    """Whether OpenCV would pass over a part of the format: transparency of grey PNGs and of TIFFs, and Lab colours."""
    with _opened(data) as picture:
        if picture is None:
            return False
        if picture.format == "TIFF":
            return picture.mode in ("RGBA", "LA", "PA", "LAB")
        return picture.format == "PNG" and picture.mode in ("1", "L") and "transparency" in picture.info


def _by_pillow(data: bytes) -> np.ndarray:
    with _opened(data) as picture:
        assert picture is not None
        try:
            rgba = np.asarray(picture.convert("RGBA"))
        except BROKEN as error:
            raise ValueError(f"the picture cannot be decoded ({error})") from error
    return _on_white(cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))


def _png_ends(data: bytes) -> bool:
    at = len(_PNG)
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Of pixels of 8 or 16 bits.

    Raises:
        ValueError: they are of another kind.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return cv2.convertScaleAbs(pixels, alpha=1 / 257)
    raise ValueError(f"the picture has {pixels.dtype} pixels")


def _bgr(pixels: np.ndarray) -> np.ndarray:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    if channels == 3:
        return pixels
    if channels == 4:
        return _on_white(pixels)
    raise ValueError(f"the picture has {channels} channels")


def _on_white(pixels: np.ndarray) -> np.ndarray:
    alpha = pixels[..., 3:].astype(np.uint16)
    if alpha.min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    blended = pixels[..., :3] * alpha + 255 * (255 - alpha)
    return ((blended + 127) // 255).astype(np.uint8)
