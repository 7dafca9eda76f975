"""Raw detections by picture, kept beside the LMDB: other thresholds need no model, a killed run not the same work."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb.engines.detections import KEPT_ABOVE, Detections
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

_DECODING = "2"  # changes with what a model is shown of a picture, or with which pictures are whole
_INSERT = "INSERT OR IGNORE INTO detections VALUES (?, ?)"
_WAIT = 60.0  # seconds for a reader while the writer commits


class KnownRegions(NamedTuple):
    """What is known of a picture that a model has seen: its size (width, height) and what was found on it."""

    size: tuple[int, int]
    found: Detections


class _Stored(msgspec.Struct, array_like=True):
    size: tuple[int, int]
    boxes: bytes
    scores: bytes
    labels: bytes


class DetectionCache:
    """A table from keys to detections in one SQLite file; many processes may read while one writes.

    It may be deleted at any time. A killed process does it no harm; if the machine loses its power the file may be
    damaged, and then it is deleted and the model finds everything again.

    Args:
        apart: another such file, which takes what is found; who has several finders takes it in at the end.

    Raises:
        PipelineError: the file is damaged or cannot be written.
    """

    def __init__(self, path: Path, apart: Path | None = None) -> None:
        self._path = path
        with self._mendable():
            self._table = _opened(path)
            self._taking = _opened(apart) if apart else self._table

    @property
    def last(self) -> int:
        """Number of the entry written last; a run that looks no further sees the same whatever its speed."""
        with self._mendable():
            return self._table.execute("SELECT coalesce(max(rowid), 0) FROM detections").fetchone()[0]

    def get(self, key: str, last: int) -> KnownRegions | None:
        """The entry of a key, if it was written up to entry ``last``."""
        with self._mendable():
            row = self._table.execute(
                "SELECT value FROM detections WHERE key = ? AND rowid <= ?", (key, last)
            ).fetchone()
        return _decode(row[0]) if row else None

    def put(self, entries: Iterable[tuple[str, KnownRegions]]) -> None:
        """Write all entries or, when killed, none; a key that is there keeps what it has."""
        rows = [(key, _encode(known)) for key, known in entries]
        if rows:
            with self._mendable(), self._taking:
                self._taking.executemany(_INSERT, rows)

    def take_in(self, folder: Path) -> None:
        """Take in all that finders left in a folder, and remove it."""
        for path in sorted(folder.glob("*.sqlite")):
            with self._mendable(), closing(_opened(path)) as others, self._table:
                self._table.executemany(_INSERT, others.execute("SELECT key, value FROM detections ORDER BY rowid"))
        if folder.exists():
            shutil.rmtree(folder)

    def close(self) -> None:
        self._table.close()
        self._taking.close()

    @contextmanager
    def _mendable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise PipelineError(
                f"the cache of detections cannot be used ({error})",
                where=self._path,
                remedy="Check that the disk has free space; if the file is damaged, delete it and run again.",
            ) from error


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = sqlite3.connect(path, timeout=_WAIT)
    table.execute("PRAGMA synchronous = OFF")  # to wait for the disk at every batch would stop the writer
    table.execute("CREATE TABLE IF NOT EXISTS detections (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
    table.commit()
    return table


@lru_cache(maxsize=1)
def opened_cache(path: Path) -> DetectionCache:
    """The cache as a worker process keeps it open."""
    return DetectionCache(path)


def cache_path(artifact: Path) -> Path:
    return artifact.with_name(artifact.name + ".detections.sqlite")


def cache_prefix(engine: LayoutEngine) -> str:
    """What the keys of one model's detections begin with."""
    return fingerprint_of((engine.backend, engine.name, engine.fingerprint, repr(KEPT_ABOVE), _DECODING))


def _encode(known: KnownRegions) -> bytes:
    boxes, scores = (array.astype("<f4").tobytes() for array in (known.found.boxes, known.found.scores))
    return msgspec.msgpack.encode(_Stored(known.size, boxes, scores, known.found.labels.astype("<i8").tobytes()))


def _decode(value: bytes) -> KnownRegions:
    stored = msgspec.msgpack.decode(value, type=_Stored)
    return KnownRegions(
        stored.size,
        Detections(
            np.frombuffer(stored.boxes, "<f4").reshape(-1, 4),
            np.frombuffer(stored.scores, "<f4"),
            np.frombuffer(stored.labels, "<i8"),
        ),
    )
