"""Crops out of JPEG pages without decoding them: the coefficients are copied, so nothing is lost a second time.

A crop begins at the grid of the JPEG's coding units (8 or 16 pixels), so it may hold up to 15 pixels more on its left
and at its top than was asked for. The work is done by ``tjTransform`` of libjpeg-turbo (TurboJPEG API 2, which the
libraries of version 3 still offer): one reading of the page for all crops.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.metadata
from collections.abc import Sequence

from ocr_pipeline.data.geometry import Box
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.jpeg_files import sound_jpeg

_CODING_UNITS = ((8, 8), (16, 8), (16, 16), (8, 8), (8, 16), (32, 8), (8, 32))
"""Width and height by the library's number of the chroma subsampling: 444, 422, 420, grey, 440, 411, 441."""

_CROP, _COPY_NO_MARKERS = 4, 64
_Bytes = ctypes.POINTER(ctypes.c_ubyte)


class _Transform(ctypes.Structure):
    _fields_ = (
        ("x", ctypes.c_int),
        ("y", ctypes.c_int),
        ("w", ctypes.c_int),
        ("h", ctypes.c_int),
        ("operation", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
    )


class LosslessJpeg:
    """One JPEG page, opened to take crops out of it.

    Args:
        data: the encoded page.

    Attributes:
        width, height: stored pixels.

    Raises:
        ValueError: it is no JPEG that libjpeg-turbo reads.
        PipelineError: the library is not installed.
    """

    def __init__(self, data: bytes) -> None:
        self._library = library()
        self._data = data
        self._handle = ctypes.c_void_p(self._library.tjInitTransform())
        numbers = [ctypes.c_int() for _ in range(4)]
        failed = self._library.tjDecompressHeader3(self._handle, data, len(data), *map(ctypes.byref, numbers))
        self.width, self.height, subsampling, _ = (number.value for number in numbers)
        if failed or not 0 <= subsampling < len(_CODING_UNITS):
            self.close()
            raise ValueError("the JPEG's header or chroma subsampling is unknown to libjpeg-turbo")
        self._unit = _CODING_UNITS[subsampling]

    def crop(self, boxes: Sequence[Box]) -> list[tuple[bytes, Box]]:
        """Each box as a JPEG, and where in its decoded pixels the box lies.

        Raises:
            ValueError: the page is damaged.
        """
        if not boxes:
            return []
        transforms = (_Transform * len(boxes))(*map(self._transform, boxes))
        pictures, sizes = (_Bytes * len(boxes))(), (ctypes.c_ulong * len(boxes))()
        try:
            failed = self._library.tjTransform(
                self._handle, self._data, len(self._data), len(boxes), pictures, sizes, transforms, 0
            )
            if failed:
                reason = self._library.tjGetErrorStr2(self._handle).decode("ascii", "replace")
                sound = sound_jpeg(self._data, reason)
                if sound is not self._data:
                    with LosslessJpeg(sound) as joined:
                        return joined.crop(boxes)
            return [
                (ctypes.string_at(picture, size), _window(box, transform))
                for picture, size, box, transform in zip(pictures, sizes, boxes, transforms, strict=True)
            ]
        finally:
            for picture in pictures:
                self._library.tjFree(picture)

    def _transform(self, box: Box) -> _Transform:
        left, top = box[0] - box[0] % self._unit[0], box[1] - box[1] % self._unit[1]
        return _Transform(left, top, box[2] - left, box[3] - top, 0, _CROP | _COPY_NO_MARKERS, None, None)

    def close(self) -> None:
        self._library.tjDestroy(self._handle)

    def __enter__(self) -> LosslessJpeg:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _window(box: Box, transform: _Transform) -> Box:
    left, top, right, bottom = box
    return left - transform.x, top - transform.y, right - transform.x, bottom - transform.y


@functools.cache
def library() -> ctypes.CDLL:
    """libturbojpeg, from the system or else from the wheel ``turbojpeg``.

    The system's package comes with its licences (IJG, BSD); the wheel states none for itself, so it only stands in.

    Raises:
        PipelineError: it is in neither.
    """
    path = ctypes.util.find_library("turbojpeg") or _in_wheel()
    if path is None:
        raise PipelineError(
            "libturbojpeg is not installed",
            where="codec=jpeg-lossless",
            remedy="Install the system's package (Debian: libturbojpeg0), or pip install 'ocr_pipeline[lossless]'.",
        )
    loaded = ctypes.CDLL(path)
    loaded.tjInitTransform.restype = ctypes.c_void_p
    loaded.tjGetErrorStr2.restype = ctypes.c_char_p
    loaded.tjFree.restype = None
    integers = ctypes.POINTER(ctypes.c_int)
    bytes_in = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong)
    loaded.tjDecompressHeader3.argtypes = (*bytes_in, integers, integers, integers, integers)
    loaded.tjTransform.argtypes = (
        *bytes_in,
        ctypes.c_int,
        ctypes.POINTER(_Bytes),
        ctypes.POINTER(ctypes.c_ulong),
        ctypes.POINTER(_Transform),
        ctypes.c_int,
    )
    return loaded


def _in_wheel() -> str | None:
    """The library that the wheel ``turbojpeg`` brings along."""
    try:
        files = importlib.metadata.files("turbojpeg") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = next((file for file in files if file.name.startswith("libturbojpeg")), None)
    return str(found.locate()) if found else None
