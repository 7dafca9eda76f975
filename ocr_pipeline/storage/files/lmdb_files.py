"""LMDB folders in and out: deterministic writing, one shared read-only environment per process and file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb

from ocr_pipeline.errors import PipelineError

_COMMIT_EVERY = 1000
_COMMIT_BYTES = 1 << 20  # so much is written from memory that is used again; more costs three times the time
_FIRST_MAP_SIZE = 1 << 26
_REMAP_EVERY = 16  # commits

_File = tuple[int, int, int]
"""Process, device and inode: lmdb opens a file once per process, and a republished LMDB is another file."""

_environments: WeakValueDictionary[_File, lmdb.Environment] = WeakValueDictionary()
_opening = threading.Lock()


def _forget_after_fork() -> None:
    """Close what the parent had open, so that the child may open it for itself."""
    global _opening
    _opening = threading.Lock()
    for environment in list(_environments.values()):
        environment.close()
    _environments.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


class LmdbWriter:
    """Writes one new LMDB folder; same puts in the same order give the same bytes.

    The map grows when it is full, so no terabyte of sparse file is promised to a disk that cannot hold it.

    Raises:
        OSError: the disk is full, or does not take the file for another reason.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data = folder / "data.mdb"
        with _as_os_error():
            self._environment = lmdb.open(str(folder), map_size=_FIRST_MAP_SIZE, lock=False, sync=False)
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0
        self._commits = 0
        self._syncing = ThreadPoolExecutor(1)
        self._synced = self._syncing.submit(_sync, self._data)

    def put(self, key: str, value: bytes) -> None:
        self._put(key.encode(), value)

    def put_all(self, records: list[tuple[bytes, bytes]]) -> None:
        """The same for many keys and values; how they come together makes no difference to the file."""
        size = sum(len(value) for _, value in records)
        if len(self._pending) + len(records) < _COMMIT_EVERY and self._pending_bytes + size < _COMMIT_BYTES:
            self._pending += records
            self._pending_bytes += size
            return
        for record in records:
            self._put(*record)

    def _put(self, key: bytes, value: bytes) -> None:
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        if len(self._pending) >= _COMMIT_EVERY or self._pending_bytes >= _COMMIT_BYTES:
            self._commit()

    def _commit(self) -> None:
        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(self._pending)
            except lmdb.MapFullError:
                self._environment.set_mapsize(self._environment.info()["map_size"] * 2)
                continue
            except lmdb.Error as error:
                self._demand_room()
                raise OSError(str(error)) from error
            break
        self._pending.clear()
        self._pending_bytes = 0
        self._commits += 1
        if self._commits % _REMAP_EVERY == 0:
            self._environment.set_mapsize(self._environment.info()["map_size"])  # touched pages count as memory
            self._sync_behind()

    def _sync_behind(self) -> None:
        """Let the disk write while more is being made, so that little is left for the end."""
        if self._synced.done():
            self._synced.result()
            self._synced = self._syncing.submit(_sync, self._data)

    def _demand_room(self) -> None:
        """Raise what the disk says: lmdb takes it for a fault of the device when a full one writes a part only."""
        with self._data.open("r+b") as file:
            os.posix_fallocate(file.fileno(), self._data.stat().st_size, self._pending_bytes + _COMMIT_BYTES)

    def __enter__(self) -> LmdbWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._commit()
                self._synced.result()
                with _as_os_error():
                    self._environment.sync(True)
        finally:
            self._syncing.shutdown()
            self._environment.close()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fdatasync(file.fileno())


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let what the disk refuses look as it does for every other file."""
    try:
        yield
    except lmdb.Error as error:
        raise OSError(str(error)) from error


class LmdbReader:
    """Reads an LMDB folder; safe with fork, spawn and the same path given twice.

    lmdb refuses to open a file twice in one process, and an environment must not cross a fork: so environments are
    shared per process and file, opened at the first read, closed with their last reader and left behind by pickling.
    When the folder is replaced, the next read is from the new one.

    Raises:
        PipelineError: there is no LMDB at the path, or it is damaged or cut short.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._data = str(self.folder / "data.mdb")
        self._opened: tuple[_File, lmdb.Environment] | None = None
        self._file()

    def get(self, key: str) -> bytes | None:
        with self._environment().begin() as transaction:
            return transaction.get(key.encode())

    def get_many(self, keys: Iterable[str]) -> list[bytes | None]:
        with self._environment().begin() as transaction:
            return [transaction.get(key.encode()) for key in keys]

    def _environment(self) -> lmdb.Environment:
        file = self._file()
        if self._opened is None or self._opened[0] != file:
            with _opening:
                self._opened = self._open()
        return self._opened[1]

    def _open(self) -> tuple[_File, lmdb.Environment]:
        while True:
            file = self._file()
            environment = _environments.get(file)
            if environment is None:
                environment = _open_environment(self.folder)
                if file != self._file():  # replaced between the two looks: which one is open is not known
                    environment.close()
                    continue
                _environments[file] = environment
            return file, environment

    def _file(self) -> _File:
        try:
            status = os.stat(self._data)  # noqa: PTH116 (asked at every read)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise PipelineError(
                "no LMDB here", where=self.folder, remedy="Give the folder that holds data.mdb, or make it first."
            ) from error
        return os.getpid(), status.st_dev, status.st_ino

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}


def _open_environment(folder: Path) -> lmdb.Environment:
    try:
        environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False, max_readers=1)
    except lmdb.Error as error:
        raise PipelineError(
            f"the LMDB cannot be opened ({error})",
            where=folder,
            remedy="It may be damaged or half copied; make or copy it again.",
        ) from error
    try:
        _demand_all_pages(environment, folder)
    except PipelineError:
        environment.close()
        raise
    return environment


def _demand_all_pages(environment: lmdb.Environment, folder: Path) -> None:
    """Refuse a file that ends before its last page: to read beyond would end the process (SIGBUS), without a word."""
    size = (folder / "data.mdb").stat().st_size
    promised = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if size < promised:
        raise PipelineError(
            f"the LMDB is truncated: {size:,} of {promised:,} bytes are there",
            where=folder,
            remedy="Copy it again; or delete it with its manifest and make it again.",
        )
