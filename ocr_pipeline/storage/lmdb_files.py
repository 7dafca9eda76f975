"""LMDB folders in and out: deterministic writing, one shared read-only environment per process and path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import lmdb

from ocr_pipeline.errors import PipelineError

_COMMIT_EVERY = 1000
_FIRST_MAP_SIZE = 1 << 26

_environments: dict[tuple[int, str], lmdb.Environment] = {}


class LmdbWriter:
    """Writes one new LMDB folder; same puts in the same order give the same bytes.

    The map grows when it is full, so no terabyte of sparse file is promised to a disk that cannot hold it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = lmdb.open(str(folder), map_size=_FIRST_MAP_SIZE, lock=False, sync=False)
        self._pending: list[tuple[bytes, bytes]] = []

    def put(self, key: str, value: bytes) -> None:
        self._pending.append((key.encode(), value))
        if len(self._pending) >= _COMMIT_EVERY:
            self._commit()

    def _commit(self) -> None:
        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(self._pending)
            except lmdb.MapFullError:
                self._environment.set_mapsize(self._environment.info()["map_size"] * 2)
                continue
            self._pending.clear()
            return

    def __enter__(self) -> LmdbWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._commit()
            self._environment.sync(True)
        self._environment.close()


class LmdbReader:
    """Reads an LMDB folder; safe with fork, spawn and the same path given twice.

    lmdb refuses to open a path twice in one process, and an environment must not cross a fork: so environments are
    shared per process and path, opened at the first read, and left behind by pickling.

    Raises:
        PipelineError: there is no LMDB at the path, or it cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "data.mdb").is_file():
            raise PipelineError(
                "no LMDB here", where=folder, remedy="Give the folder that holds data.mdb, or make it first."
            )

    def get(self, key: str) -> bytes | None:
        with self._environment().begin() as transaction:
            return transaction.get(key.encode())

    def get_many(self, keys: Iterable[str]) -> list[bytes | None]:
        with self._environment().begin() as transaction:
            return [transaction.get(key.encode()) for key in keys]

    def _environment(self) -> lmdb.Environment:
        key = (os.getpid(), os.path.realpath(self.folder))
        if key not in _environments:
            try:
                _environments[key] = lmdb.open(
                    str(self.folder), readonly=True, lock=False, readahead=False, meminit=False, max_readers=1
                )
            except lmdb.Error as error:
                raise PipelineError(
                    f"the LMDB cannot be opened ({error})",
                    where=self.folder,
                    remedy="It may be damaged or half copied; make or copy it again.",
                ) from error
        return _environments[key]
