"""Files of a local or mounted folder, with as few system calls as they take.

Symbolic links: the first two levels below the root, where data sets stand, may be links to other disks; below them a
link is followed as long as it stays within the root or the data set that it stands in, and never in a circle.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source.archives import DamagedError
from ocr_pipeline.storage.source.listing import NOTHING, Contents, State
from ocr_pipeline.storage.source.names import decoded, spellings

_PIECE = 1 << 20
_LEVELS_OF_SETS = 2
_TRIED_FIRST, _SLOW, _AT_ONCE = 64, 0.0002, 16
"""So many files are asked for one by one; if each takes so many seconds, so many at once."""


class LocalFiles:
    """Lists and reads below one folder.

    Raises:
        FileNotFoundError: the file is not there, though the root is.
        PipelineError: the root is gone, or a file or folder does not let itself be read.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def check(self) -> None:
        """Raise a FileNotFoundError if there is no such folder, a NotADirectoryError if it is something else."""
        root = Path(self._root)
        if not root.is_dir():
            raise NotADirectoryError(self._root) if root.exists() else FileNotFoundError(self._root)

    def contents(self, path: str) -> Contents:
        """Folders and files; no file is asked for its size and time before they are needed.

        Raises:
            DamagedError: the folder may not be read.
        """
        found = Contents(ask=partial(self._states, path))
        with self._open_folder(path) as folder, os.scandir(folder) as entries:
            for entry in entries:
                name = decoded(os.fsencode(entry.name))
                fault = self._link_fault(path, entry.name) if entry.is_symlink() else ""
                if entry.is_file(follow_symlinks=False):
                    found.files.append(name)
                elif not _is_folder(entry):
                    found.files.append(name)
                    if fault := fault or _kind_fault(entry):
                        found.faults[name] = fault
                elif fault:
                    found.closed[name] = fault
                else:
                    found.folders.append(name)
        return found

    def read(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """``size`` bytes from ``start`` on, or all that follow."""
        try:
            file = self._open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that took the file's place must not hang
            try:
                if stat.S_IFMT(os.fstat(file).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
                    raise DamagedError(_NO_FILE)
                return _read_rest(file, start) if size is None else _read(file, start, size)
            finally:
                os.close(file)
        except OSError as error:
            raise self._explained(error, path) from error

    def _states(self, path: str, names: list[str]) -> list[State]:
        try:
            with self._open_folder(path) as folder:
                return [*_states(names, folder)]
        except FileNotFoundError as error:
            raise PipelineError(
                "a folder vanished while the share was listed",
                where=f"{self._root}/{path}",
                remedy="Run the same command again.",
            ) from error

    @contextmanager
    def _open_folder(self, path: str) -> Iterator[int]:
        """A descriptor: what is asked of it resolves one name only."""
        try:
            folder = self._open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                yield folder
            finally:
                os.close(folder)
        except PermissionError as error:
            if not path:
                raise self._explained(error, path) from error
            raise DamagedError("the folder may not be read (permission denied)") from error
        except OSError as error:
            raise self._explained(error, path) from error

    def _open(self, path: str, flags: int) -> int:
        """A descriptor; where a name is not there in UTF-8, it is looked for in cp949."""
        try:
            return os.open(f"{self._root}/{path}", flags)
        except FileNotFoundError:
            real = os.fsencode(self._root)
            for part in path.split("/"):
                tried = [real + b"/" + name for name in spellings(part)]
                real = next(filter(os.path.lexists, tried), tried[0])
            return os.open(real, flags)

    def _link_fault(self, folder: str, name: str) -> str:
        """Why a link is not followed; empty if it may be."""
        parts = [part for part in folder.split("/") if part]
        try:
            leads_to = Path(f"{self._root}/{folder}/{name}").resolve()
        except (OSError, RuntimeError):  # the latter before Python 3.13
            return "a link to a link that leads back to it"
        way = [Path(self._root, *parts[:depth]).resolve() for depth in range(len(parts) + 1)]
        if leads_to in way:
            return "a link that leads back up, in a circle"
        if len(parts) < _LEVELS_OF_SETS or any(map(leads_to.is_relative_to, way[: _LEVELS_OF_SETS + 1])):
            return ""
        return "a link that leads out of the share"

    def _explained(self, error: OSError, path: str) -> Exception:
        if isinstance(error, FileNotFoundError) and Path(self._root).is_dir():
            return error
        return PipelineError(
            f"the share does not answer ({error.strerror or error})",
            where=f"{self._root}/{path}",
            remedy="Check the mount and the permissions; what is already published stays valid.",
        )


_NO_FILE = "no regular file (a pipe, a socket or a device)"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is one, or a link to one; a link that nobody can follow is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _kind_fault(entry: os.DirEntry[str]) -> str:
    """Why something that is neither a folder nor plainly a file cannot be read; empty for a link to a file."""
    try:
        return "" if stat.S_ISREG(entry.stat().st_mode) else _NO_FILE
    except OSError:
        return "a link that leads nowhere"


def _states(names: list[str], folder: int) -> Iterator[State]:
    """One after the other, or many at once where an answer takes its time, as over a network."""
    began, first = time.monotonic(), names[:_TRIED_FIRST]
    yield from (_state(name, folder) for name in first)
    if time.monotonic() - began < _SLOW * len(first):
        yield from (_state(name, folder) for name in names[len(first) :])
    else:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(partial(_state, folder=folder), names[len(first) :])


def _state(name: str, folder: int) -> State:
    """Size and time; of a link that leads nowhere, or a file that has just gone, `NOTHING`."""
    for spelling in spellings(name):
        try:
            status = os.stat(spelling, dir_fd=folder)
        except OSError:
            continue
        return status.st_size, status.st_mtime
    return NOTHING


def _read(file: int, start: int, size: int) -> bytes:
    data = os.pread(file, size, start)
    while 0 < len(data) < size:  # one call gives 2 GiB at most
        piece = os.pread(file, size - len(data), start + len(data))
        if not piece:
            break
        data += piece
    return data


def _read_rest(file: int, start: int) -> bytes:
    """All from ``start`` on.

    Raises:
        OSError: the file system gives less than it tells; some network mounts do when a connection drops.
    """
    expected = max(0, os.fstat(file).st_size - start)
    data = os.pread(file, expected + 1, start)  # one more, as some file systems tell no size
    while data and len(data) != expected:
        piece = os.pread(file, _PIECE, start + len(data))
        if not piece:
            break
        data += piece
    if len(data) < expected == max(0, os.fstat(file).st_size - start):
        raise OSError(f"{len(data)} bytes came of {expected}")
    return data
