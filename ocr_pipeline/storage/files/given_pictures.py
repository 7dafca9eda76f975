"""A picture as somebody has it: a path, the bytes of a file, a picture of Pillow, an array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import BROKEN, decode_picture, eight_bits

GivenPicture = str | Path | bytes | Image.Image | npt.NDArray[Any]
"""A path, an encoded picture, a PIL image, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA."""

_TAKEN = "Give a path, the bytes of a picture file, a PIL image, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA."
_WHITE = 255


def rgb_pixels(picture: GivenPicture, *, turned: bool = False) -> npt.NDArray[np.uint8]:
    """The pixels as they are stored, uint8 [H, W, 3] RGB; what is transparent is laid on white.

    Args:
        turned: a picture of Pillow's is turned as its EXIF orientation says.

    Raises:
        PipelineError: it is no picture; the message says what it is instead.
    """
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    if isinstance(picture, Image.Image):
        return _of_pillow(picture, turned)
    if isinstance(picture, str | Path):
        return _decoded(_read(Path(picture)), picture)
    if isinstance(picture, bytes):
        return _decoded(picture, f"{len(picture):,} bytes")
    raise PipelineError("this is no picture", where=f"a {type(picture).__name__}", remedy=_TAKEN)


def _of_pillow(picture: Image.Image, turned: bool) -> npt.NDArray[np.uint8]:
    where = f"a PIL image of mode {picture.mode}"
    if picture.mode in ("I", "F"):
        raise PipelineError(
            "nobody knows which of its values are black and white", where=where, remedy="Scale them to 8 bits, mode L."
        )
    try:
        upright = ImageOps.exif_transpose(picture) if turned else picture
        if upright.mode.startswith("I;16"):
            return _of_array(eight_bits(np.asarray(upright).astype(np.uint16)))
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        return _of_array(np.asarray(upright.convert("RGBA" if has_alpha else "RGB")))
    except BROKEN as error:
        raise PipelineError(f"the picture cannot be decoded ({error})", where=where, remedy=_TAKEN) from error


def _of_array(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2] if pixels.ndim == 3 else 0
    if pixels.dtype != np.uint8 or channels not in (1, 3, 4) or not pixels.size:
        got = f"an array of {pixels.dtype}, {list(pixels.shape)}"
        raise PipelineError("this array is no picture", where=got, remedy=_TAKEN)
    if channels == 3:
        return pixels
    if channels == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    colours, alpha = pixels[..., :3].astype(np.uint16), pixels[..., 3:].astype(np.uint16)
    return ((colours * alpha + _WHITE * (_WHITE - alpha) + _WHITE // 2) // _WHITE).astype(np.uint8)


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except (OSError, ValueError) as error:  # ValueError of a NUL
        raise PipelineError(
            f"the picture cannot be opened ({getattr(error, 'strerror', error)})", where=path, remedy="Check the path."
        ) from error


def _decoded(data: bytes, where: object) -> npt.NDArray[np.uint8]:
    try:
        return decode_picture(data, "RGB")
    except ValueError as error:
        raise PipelineError(str(error), where=where, remedy="Give a whole JPEG, PNG, BMP, WebP or TIFF.") from error
