"""The lookup file: a gzip pickle of one ``dict[str, str]``, read by a loader that admits nothing else."""

from __future__ import annotations

import gzip
import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.plain_pickle import Bounded, load_plain

LARGEST = 2 << 30
"""Bytes of an unpacked lookup; one of a million pictures has 0.2 GB."""

_BATCH = 1000


def write_lookup(path: Path, paths: Mapping[str, str]) -> None:
    """Write a lookup; the same names give the same bytes."""
    write_names(path, sorted(paths.items()))


def write_names(path: Path, names: Iterable[tuple[str, str]]) -> None:
    """The same of names that come as a stream, in an order of their own; none of them is kept in memory.

    What is written is the pickle of their dictionary (protocol 4), item by item.
    """
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        file.write(pickle.PROTO + b"\x04" + pickle.EMPTY_DICT)
        for texts in _batches(names):
            file.write(pickle.MARK + b"".join(_text(text) for pair in texts for text in pair) + pickle.SETITEMS)
        file.write(pickle.STOP)


def _batches(names: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    rest = iter(names)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _text(text: str) -> bytes:
    data = text.encode()
    return pickle.BINUNICODE + len(data).to_bytes(4, "little") + data


def read_lookup(path: Path) -> dict[str, str]:
    """Load a lookup.

    Raises:
        PipelineError: it is missing, damaged, or holds anything but strings in a dict.
    """
    try:
        with gzip.open(path, "rb") as file:
            content = load_plain(Bounded(file, LARGEST))
            file.read(1)  # beyond the pickle: only at its end does gzip compare the checksum
    except FileNotFoundError as error:
        raise PipelineError(
            "there is no lookup", where=path, remedy="Run `ocr-pipeline lookup` or materialise lookup first."
        ) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise PipelineError(
            f"the lookup cannot be read ({error})", where=path, remedy="Delete it and materialise lookup again."
        ) from error
    if not isinstance(content, dict) or not {*map(type, content), *map(type, content.values())} <= {str}:
        raise PipelineError(
            "the lookup is no dict of strings", where=path, remedy="Delete it and materialise lookup again."
        )
    return content
