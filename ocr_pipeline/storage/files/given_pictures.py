"""A picture as somebody has it: a path, the bytes of a file, a picture of Pillow, an array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture

GivenPicture = str | Path | bytes | Image.Image | npt.NDArray[Any]
"""A path, an encoded picture, a PIL image, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA."""

_TAKEN = "Give a path, the bytes of a picture file, a PIL image, or uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA."
_WHITE = 255


def rgb_pixels(picture: GivenPicture) -> npt.NDArray[np.uint8]:
    """The pixels as they are stored, uint8 [H, W, 3] RGB; what is transparent is laid on white.

    Raises:
        PipelineError: it is no picture; the message says what it is instead.
    """
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    if isinstance(picture, Image.Image):
        has_alpha = "A" in picture.getbands() or "transparency" in picture.info
        return _of_array(np.asarray(picture.convert("RGBA" if has_alpha else "RGB")))
    if isinstance(picture, str | Path):
        return _decoded(_read(Path(picture)), picture)
    if isinstance(picture, bytes):
        return _decoded(picture, f"{len(picture):,} bytes")
    raise PipelineError("this is no picture", where=f"a {type(picture).__name__}", remedy=_TAKEN)


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
    except OSError as error:
        raise PipelineError(
            f"the picture cannot be opened ({error.strerror})", where=path, remedy="Check the path."
        ) from error


def _decoded(data: bytes, where: object) -> npt.NDArray[np.uint8]:
    try:
        return decode_picture(data, "RGB")
    except ValueError as error:
        raise PipelineError(str(error), where=where, remedy="Give a whole JPEG, PNG, BMP, WebP or TIFF.") from error
