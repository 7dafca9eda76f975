"""Size and time of every picture of a lookup, in 24 bytes each: what tells a stage that one picture changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ocr_pipeline.errors import PipelineError

_RECORD = np.dtype([("path", "<u8"), ("size", "<i8"), ("modified", "<f8")])


class PictureVersions:
    """Picture path -> text that changes with the picture; only the pages of the file that are asked for are read.

    Paths are kept as 64-bit hashes: among a million pictures two share one with a probability of 3e-8, and then a
    change of one of them may go unnoticed.
    """

    def __init__(self, records: np.ndarray) -> None:
        self._records = records
        self._paths = records["path"]

    def of(self, path: str) -> str:
        """Size and time as text; empty for a path that is not known."""
        wanted = _hash(path)
        place = int(np.searchsorted(self._paths, wanted))
        if place == len(self._records) or self._paths[place] != wanted:
            return ""
        _, size, modified = self._records[place].item()
        return f"{size} {modified!r}"


def write_versions(path: Path, pictures: Iterable[tuple[str, int, float]]) -> None:
    """Write (path, size, modified) of all pictures; their order does not matter."""
    records = np.fromiter(((_hash(picture), size, modified) for picture, size, modified in pictures), _RECORD)
    records.sort(order="path", kind="stable")
    with path.open("wb") as file:
        np.save(file, records, allow_pickle=False)


def read_versions(path: Path) -> PictureVersions:
    """Open published versions; a lookup that came without them knows none.

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists():
        return PictureVersions(np.empty(0, _RECORD))
    try:
        records = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from error
    if records.dtype != _RECORD or records.ndim != 1:
        raise _damaged(path, "it holds something else")
    return PictureVersions(records)


def _hash(path: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little"))


def _damaged(path: Path, why: str) -> PipelineError:
    return PipelineError(
        f"the stamps of the pictures cannot be read ({why})",
        where=path,
        remedy="Delete the file and the lookup's manifest, and materialise lookup again.",
    )
