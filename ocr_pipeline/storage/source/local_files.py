"""Files of a local or mounted folder, with as few system calls as they take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source.listing import Contents, State

_PIECE = 1 << 20
_NOTHING = 0, 0.0


class LocalFiles:
    """Lists and reads below one folder.

    Raises:
        FileNotFoundError: the file is not there, though the root is.
        PipelineError: the root is gone, or a file or folder does not let itself be read.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def check(self) -> None:
        """Raise a FileNotFoundError if there is no such folder."""
        if not Path(self._root).is_dir():
            raise FileNotFoundError(self._root)

    def contents(self, path: str) -> Contents:
        """Folders and files; no file is asked for its size and time before they are needed."""
        found = Contents(ask=partial(self._states, path))
        with self._open_folder(path) as folder, os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    found.files.append(entry.name)
                elif entry.is_dir():
                    found.folders.append(entry.name)
                else:
                    found.files.append(entry.name)
                    if _state(entry.name, folder) == _NOTHING:
                        found.faults[entry.name] = "a link that leads nowhere"
        return found

    def read(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """``size`` bytes from ``start`` on, or all that follow."""
        try:
            file = os.open(f"{self._root}/{path}", os.O_RDONLY)
            try:
                return _read_rest(file, start) if size is None else _read(file, start, size)
            finally:
                os.close(file)
        except OSError as error:
            raise self._explained(error, path) from error

    def _states(self, path: str, names: list[str]) -> list[State]:
        try:
            with self._open_folder(path) as folder:
                return [_state(name, folder) for name in names]
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
            folder = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_DIRECTORY)
            try:
                yield folder
            finally:
                os.close(folder)
        except OSError as error:
            raise self._explained(error, path) from error

    def _explained(self, error: OSError, path: str) -> Exception:
        if isinstance(error, FileNotFoundError) and Path(self._root).is_dir():
            return error
        return PipelineError(
            f"the share does not answer ({error.strerror or error})",
            where=f"{self._root}/{path}",
            remedy="Check the mount and the permissions; what is already published stays valid.",
        )


def _state(name: str, folder: int) -> State:
    """Size and time; of a link that leads nowhere, or a file that has just gone, `_NOTHING`."""
    try:
        status = os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        return _NOTHING
    return status.st_size, status.st_mtime


def _read(file: int, start: int, size: int) -> bytes:
    data = os.pread(file, size, start)
    while 0 < len(data) < size:  # one call gives 2 GiB at most
        piece = os.pread(file, size - len(data), start + len(data))
        if not piece:
            break
        data += piece
    return data


def _read_rest(file: int, start: int) -> bytes:
    expected = max(0, os.fstat(file).st_size - start)
    data = os.pread(file, expected + 1, start)  # one more, as some file systems tell no size
    while data and len(data) != expected:
        piece = os.pread(file, _PIECE, start + len(data))
        if not piece:
            break
        data += piece
    return data
