"""An LMDB in parts: LMDBs in folders of their own, each counted from 1, and an index of them; a small one has none.

Programs that take every folder with a ``data.mdb`` below the one they are given (deep-text-recognition-benchmark,
parseq, PaddleOCR) read the parts without the index.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.lmdb_files import LmdbReader

_INDEX = "parts.json"
_MOST_OPEN = 64

Reader = TypeVar("Reader")


class Part(msgspec.Struct, frozen=True):
    """One part.

    Attributes:
        name: of its folder.
        count: how many samples it holds.
        digest: of all that it was made of: an equal one tells an equal part.
    """

    name: str
    count: int
    digest: str


def head_of(folder: Path) -> Path:
    """The file that tells an LMDB: its index, or its only one, which need not be there."""
    index = folder / _INDEX
    return index if index.is_file() else folder / "data.mdb"


def part_name(number: int) -> str:
    return f"part-{number:05d}"


def read_parts(folder: Path) -> list[Part]:
    """The parts of an LMDB, in their order; none where it is one file, or is not there.

    Raises:
        PipelineError: the index is damaged.
    """
    try:
        return msgspec.json.decode((folder / _INDEX).read_bytes(), type=list[Part])
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the index of the LMDB's parts cannot be read ({error})",
            where=folder / _INDEX,
            remedy="Copy it again; or delete the LMDB with its manifest and make it again.",
        ) from error


def settle_parts(draft: Path, parts: Sequence[Part]) -> None:
    """Finish an LMDB that was written in parts: an index for several, one file for one alone."""
    if len(parts) == 1:
        (draft / parts[0].name / "data.mdb").rename(draft / "data.mdb")
        (draft / parts[0].name).rmdir()
    else:
        (draft / _INDEX).write_bytes(msgspec.json.format(msgspec.json.encode(parts), indent=1) + b"\n")


class PartReaders(Generic[Reader]):
    """The readers of an LMDB's parts, counted through; each is opened when it is asked for, and few stay open.

    A process may have a thousand files open, and all sets together have more parts than that.

    Args:
        open_part: makes the reader of a part's folder.

    Raises:
        PipelineError: a part is not there.
    """

    def __init__(self, folder: Path, parts: Sequence[Part], open_part: Callable[[Path], Reader]) -> None:
        self._folders = [LmdbReader(folder / part.name).folder for part in parts]
        self._starts = [0, *accumulate(part.count for part in parts)]
        self._open_part = open_part
        self._opened: OrderedDict[int, Reader] = OrderedDict()

    def __len__(self) -> int:
        """How many samples they hold together."""
        return self._starts[-1]

    def holder(self, index: int) -> tuple[Reader, int]:
        """Which part holds a sample of the whole, and as which of it (both from 0).

        Raises:
            PipelineError: the part is damaged.
        """
        part = bisect_right(self._starts, index) - 1
        return self.reader(part), index - self._starts[part]

    def reader(self, part: int) -> Reader:
        """The reader of one part."""
        reader = self._opened.pop(part, None) or self._open_part(self._folders[part])
        self._opened[part] = reader
        if len(self._opened) > _MOST_OPEN:
            self._opened.popitem(last=False)
        return reader
