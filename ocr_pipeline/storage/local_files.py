"""Files of a local or mounted folder, with as few system calls as they take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.listing import Contents, is_dropping

_PIECE = 1 << 20


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

    def contents(self, path: str, keep: Callable[[str], bool]) -> Contents:
        """Folders, and the files whose names ``keep`` takes (the others are not even looked at)."""
        found = Contents()
        try:
            folder = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_DIRECTORY)
            try:
                with os.scandir(folder) as entries:  # by descriptor: each stat then resolves one name only
                    for entry in entries:
                        _describe(entry, keep, found)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._explained(error, path) from error
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

    def _explained(self, error: OSError, path: str) -> Exception:
        if isinstance(error, FileNotFoundError) and Path(self._root).is_dir():
            return error
        return PipelineError(
            f"the share does not answer ({error.strerror or error})",
            where=f"{self._root}/{path}",
            remedy="Check the mount and the permissions; what is already published stays valid.",
        )


def _describe(entry: os.DirEntry[str], keep: Callable[[str], bool], found: Contents) -> None:
    name = entry.name
    if entry.is_dir():
        if not is_dropping(name):
            found.folders.append(name)
    elif keep(name) and not is_dropping(name):
        try:
            status = entry.stat()
        except FileNotFoundError:
            found.faults[name] = "a link that leads nowhere"
            found.files.append((name, 0, 0.0))
        else:
            found.files.append((name, status.st_size, status.st_mtime))


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
