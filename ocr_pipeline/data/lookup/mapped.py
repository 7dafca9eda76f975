"""Picture names and paths as a sorted file that is looked up where it lies: memory does not grow with the pictures.

First names and paths, one behind the other in the order of the listing; then a record of 24 bytes for each picture,
sorted by a hash of its stem; then how many there are of either. Only the records are mapped into memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ocr_pipeline.data.lookup.stems import stem_of
from ocr_pipeline.errors import PipelineError

_RECORD = np.dtype([("stem", "<u8"), ("offset", "<u8"), ("number", "<u4"), ("key", "<u2"), ("path", "<u2")])
_FOOTER = np.dtype([("magic", "S8"), ("texts", "<u8"), ("count", "<u8")])
_MAGIC = b"ocrnames"
_FLUSH = 1 << 16


class Picture(NamedTuple):
    """One picture.

    Attributes:
        key: its name, or where several folders hold one of that name its whole NFC path below the share's root.
        path: where it lies.
        number: its place among all entries of the listing.
    """

    key: str
    path: str
    number: int


def write_mapped(path: Path, pictures: Iterable[Picture]) -> None:
    """Write all pictures; their order does not matter for finding them.

    Raises:
        PipelineError: a path is longer than any file system has them.
    """
    with path.open("wb", _FLUSH) as file:
        records = np.fromiter(_written(file, pictures), _RECORD)
        records.sort(order=("stem", "offset"))
        texts = file.tell()
        file.write(bytes(-texts % 8))
        file.flush()
        records.tofile(file)
        file.write(np.array([(_MAGIC, texts, len(records))], _FOOTER).tobytes())


def _written(file: BinaryIO, pictures: Iterable[Picture]) -> Iterator[tuple[int, int, int, int, int]]:
    offset = 0
    for key, path, number in pictures:
        texts = key.encode(), path.encode()
        key_size, path_size = map(len, texts)
        if max(key_size, path_size) > np.iinfo("<u2").max:
            raise PipelineError("the path is too long", where=path, remedy="Shorten the names of its folders.")
        yield stem_hash(key), offset, number, key_size, path_size
        file.write(b"".join(texts))
        offset += key_size + path_size


def stem_hash(key: str) -> int:
    """Of a name or of a path that ends with it."""
    stem = stem_of(key.rpartition("/")[2])
    return int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=8).digest(), "little")


class MappedPaths(Mapping[str, str]):
    """The pictures of a file that `write_mapped` wrote: key -> path, in the order of the listing.

    Raises:
        PipelineError: there is no such file, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("rb", buffering=0)
        size = os.fstat(self._file.fileno()).st_size
        footer = np.frombuffer(os.pread(self._file.fileno(), _FOOTER.itemsize, max(0, size - _FOOTER.itemsize)), "u1")
        if len(footer) < _FOOTER.itemsize or footer[:8].tobytes() != _MAGIC:
            raise self._damaged("its end is missing")
        _, texts, count = footer.view(_FOOTER)[0].item()
        start = texts + -texts % 8
        if start + count * _RECORD.itemsize + _FOOTER.itemsize != size:
            raise self._damaged("a part is missing")
        mapped = np.memmap(path, _RECORD, "r", start, (count,)) if count else np.empty(0, _RECORD)
        self._records = np.asarray(mapped)  # the class of a map costs more than what it looks up
        self._stems = self._records["stem"]

    def of_stem(self, stem: str) -> list[Picture]:
        """All pictures whose names, without extension and whatever their case, are this one."""
        return [one for one in self._with_hash(stem_hash(stem)) if stem_of(one.key.rpartition("/")[2]) == stem]

    def picture(self, path: str) -> Picture | None:
        """The picture that lies at a path."""
        return next((one for one in self._with_hash(stem_hash(path)) if one.path == path), None)

    def pictures(self) -> Iterator[Picture]:
        """All of them, in the order of the listing."""
        yield from (self._read(place) for place in np.argsort(self._records["offset"], kind="stable"))

    def __getitem__(self, key: str) -> str:
        for one in self._with_hash(stem_hash(key)):
            if one.key == key:
                return one.path
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (one.key for one in self.pictures())

    def __len__(self) -> int:
        return len(self._records)

    def _with_hash(self, wanted: int) -> Iterator[Picture]:
        place = int(np.searchsorted(self._stems, np.uint64(wanted)))
        while place < len(self._records) and self._stems[place] == wanted:
            yield self._read(place)
            place += 1

    def _read(self, place: int) -> Picture:
        _, offset, number, key, path = self._records[place].item()
        text = os.pread(self._file.fileno(), key + path, offset)
        try:
            return Picture(text[:key].decode(), text[key:].decode(), number)
        except UnicodeDecodeError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> PipelineError:
        return PipelineError(
            f"the table of picture names cannot be read ({why})",
            where=self._path,
            remedy="Delete it with the lookup's manifest, and materialise lookup again.",
        )
