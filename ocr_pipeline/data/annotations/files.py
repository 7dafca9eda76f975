"""Crops as single picture files: written where they belong, and removed when no JSONL names them any more."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from ocr_pipeline.data.annotations.encoding import EXTENSIONS
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_of, has_sum

_LONGEST = 255  # bytes of a name that a file system takes
_HASH = 10
_LETTER = 4  # bytes that it has at most

_OURS = re.compile(r".*_\d{6,}_[0-9a-f]{10}")


def crop_name(folder: str, stem: str, ending: str) -> str:
    """``folder/stem`` and the ending; of a part that is longer than a file system takes, the beginning and a hash."""
    return f"{_folder(folder)}{_shortened(stem, _LONGEST - len(ending))}{ending}"


@lru_cache
def _folder(folder: str) -> str:
    return "".join(f"{_shortened(part, _LONGEST)}/" for part in folder.split("/") if part)


def _shortened(name: str, room: int) -> str:
    if _LETTER * len(name) <= room:
        return name
    data = name.encode()
    if len(data) <= room:
        return name
    return f"{data[: room - _HASH - 1].decode(errors='ignore')}~{fingerprint_of([data])[:_HASH]}"


def _is_ours(name: str) -> bool:
    """Whether a file is named as crops are: ``<page>_<word>_<mark>``, with the ending of one of the codecs."""
    stem, dot, ending = name.rpartition(".")
    return dot + ending in EXTENSIONS.values() and _OURS.fullmatch(stem) is not None


def write_crop(root: Path, name: str, crop: bytes, before_change: Callable[[], None] | None = None) -> None:
    """Write one crop; one that is there already, from work that was interrupted, is left alone.

    Args:
        before_change: called before another crop of the same name is written over.

    Raises:
        PipelineError: the folder cannot be written to, or the disk is full.
    """
    path = f"{root}/{name}"
    try:
        if has_sum(path, len(crop), zlib.crc32(crop)):
            return
        if before_change and os.path.isfile(path):  # noqa: PTH113 (asked for every crop)
            before_change()
        _write(path, crop)
    except OSError as error:
        raise PipelineError(
            f"cannot write the crops ({error.strerror or error})",
            where=path,
            remedy="Check that the folder is writable and has free space, then run the same command again.",
        ) from error


def _write(path: str, crop: bytes) -> None:
    try:
        file = open(path, "wb", buffering=0)  # noqa: PTH123, SIM115 (small files: every call counts)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "wb", buffering=0)  # noqa: PTH123, SIM115
    with file:
        if file.write(crop) != len(crop):
            raise OSError("the disk is full")


def remove_others(root: Path, named: np.ndarray) -> None:
    """Remove the crops below ``root`` that are not named; files of other programs stay.

    Args:
        named: hashes of the names below ``root``, int64, in any order (8 bytes for each crop).
    """
    named = np.sort(named)
    for folder, _, files in os.walk(root):
        below = os.path.relpath(folder, root)
        prefix = "" if below == "." else f"{below}/"
        ours = [file for file in files if _is_ours(file)]
        hashes = np.array([hash(prefix + file) for file in ours], np.int64)
        places = np.searchsorted(named, hashes)
        for file, place, wanted in zip(ours, places, hashes, strict=True):
            if place == len(named) or named[place] != wanted:
                Path(folder, file).unlink()
