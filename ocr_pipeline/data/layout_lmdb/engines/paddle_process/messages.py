"""Messages on a pipe: a length, a JSON header, the bytes of arrays. Nothing in them can run.

This file is also read by the Python of the paddle environment, which has numpy and no ``ocr_pipeline``.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

import numpy as np

_LENGTH = struct.Struct("<Q")
_DTYPES = ("uint8", "float32", "int64")


def write_message(pipe: IO[bytes], content: dict[str, Any], *arrays: np.ndarray) -> None:
    """Write what JSON can say, and arrays."""
    layout = [(array.dtype.name, array.shape) for array in arrays]
    header = json.dumps({"content": content, "arrays": layout}).encode()
    pipe.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).tobytes())
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
        ValueError: the message is none of ours.
    """
    header = json.loads(_exactly(pipe, _LENGTH.unpack(_exactly(pipe, _LENGTH.size))[0]))
    return header["content"], [_read_array(pipe, dtype, shape) for dtype, shape in header["arrays"]]


def _read_array(pipe: IO[bytes], dtype: str, shape: list[int]) -> np.ndarray:
    if dtype not in _DTYPES:
        raise ValueError(f"no array of {dtype} is expected")
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(_exactly(pipe, count * np.dtype(dtype).itemsize), dtype).reshape(shape)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError("the other side closed the pipe")
    return data
