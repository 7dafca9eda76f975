"""Picture files: those of a folder, and their pixels.

One decoder serves every stage; it refuses half a picture instead of padding it grey.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import simplejpeg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import PICTURE_ENDINGS

logger = logging.getLogger(__name__)

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_COMMON_COLOURS, _MOST_PIXELS = ("Gray", "YCbCr"), 1 << 30
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"


def decode_picture(data: bytes, order: Literal["BGR", "RGB"] = "BGR") -> np.ndarray:
    """Pixels as they are stored (EXIF orientation is not applied: labels count stored pixels).

    Grey and palette pictures become coloured, 16 bits become 8, transparency is laid on white.

    Args:
        order: of the colours.

    Returns:
        uint8 [height, width, 3], contiguous.

    Raises:
        ValueError: with the reason, when the data is truncated or no picture.
    """
    fault = outline_fault(data)
    if fault:
        raise ValueError(fault)
    if _is_common_jpeg(data):
        # The pixels of OpenCV's decoder, bit for bit (both are libjpeg-turbo), in nine tenths of its time.
        return simplejpeg.decode_jpeg(data, order, strict=False)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # more pixels than OpenCV admits
        raise ValueError(f"the picture cannot be decoded ({error.err})") from error
    if pixels is None:
        raise ValueError("the picture cannot be decoded (damaged, or no known format)")
    bgr = _bgr(_eight_bits(pixels))
    return bgr if order == "BGR" else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def pictures_in(folder: str | Path, *, deep: bool = False) -> list[Path]:
    """The pictures of a folder, told by their endings and sorted by path; other files are counted in the log.

    Args:
        deep: those of the folders below it too.

    Raises:
        PipelineError: there is none.
    """
    pictures, others = list[Path](), Counter[str]()
    for where, folders, names in os.walk(folder):
        for path in (Path(where, name) for name in names):
            if path.suffix.lower() in PICTURE_ENDINGS:
                pictures.append(path)
            elif not path.name.startswith("."):
                others[path.suffix.lower() or "without ending"] += 1
        if not deep:
            folders.clear()
    if others:
        kinds = ", ".join(f"{ending}: {number}" for ending, number in sorted(others.items()))
        logger.warning("%s: %d files are passed over, they are no pictures (%s)", folder, others.total(), kinds)
    if not pictures:
        known = ", ".join(sorted(PICTURE_ENDINGS))
        raise PipelineError("there are no pictures", where=folder, remedy=f"Name a folder with {known} files.")
    return sorted(pictures)


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
    return b"IEND" in tail or _END_OF_IMAGE in tail


def outline_fault(data: bytes) -> str | None:
    """Why the data cannot hold a whole picture, as far as the file's outline tells without decoding it."""
    if not data:
        return "the file is empty"
    if data.startswith(_JPEG) and not _jpeg_ends(data):
        return "the picture is truncated (JPEG without its end marker)"
    if data.startswith(_PNG) and not _png_ends(data):
        return "the picture is truncated (PNG without its IEND chunk)"
    return None


def _jpeg_ends(data: bytes) -> bool:
    """Whether an end marker follows the first scan; an embedded thumbnail's own end marker lies before it."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == _START_OF_SCAN:
            return data.rfind(_END_OF_IMAGE, at) >= 0  # it stands at the end: found at once from there
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _is_common_jpeg(data: bytes) -> bool:
    """Whether it is a JPEG in grey or colour (not in print's CMYK), of a size that OpenCV would decode as well."""
    if not data.startswith(_JPEG):
        return False
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except ValueError:
        return False
    return colours in _COMMON_COLOURS and height * width <= _MOST_PIXELS


def _png_ends(data: bytes) -> bool:
    at = len(_PNG)
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
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
