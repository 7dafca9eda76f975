"""The share: the one place the raw labels and pictures come from, a local or mounted folder or any fsspec URL."""

from __future__ import annotations

import ftplib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fsspec
import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc

SOURCE_VARIABLE = "OCR_PIPELINE_SOURCE"

Folder = tuple[str, ...]
"""A folder below the share's root, as the NFC names of its parts."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One file on the share.

    Attributes:
        folder: NFC names of the folders above it, from the root.
        name: NFC file name.
        path: real spelling below the root (it may be NFD), with ``/``: what `Share.read` takes.
        size: bytes; modified: seconds, 0 where the share does not tell.
    """

    folder: Folder
    name: str
    path: str
    size: int
    modified: float

    @property
    def shown(self) -> str:
        """The path as a person and an artifact name it: NFC, relative to the root."""
        return "/".join((*self.folder, self.name))


class Share:
    """Reads and lists what lies below one root.

    Args:
        root: a folder (the guide's gvfs path with its colon and backslash included) or an fsspec URL.

    Attributes:
        place: the root as artifacts and messages name it: without user name and password.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.is_local = "://" not in self.root
        if self.is_local:
            self.root = str(Path(self.root).expanduser().absolute())
        self.place = re.sub("(?<=://)[^/@]*@", "", self.root).rstrip("/")
        self._connections = threading.local()  # an FTP connection serves one thread at a time

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Share:
        """The share that OCR_PIPELINE_SOURCE names.

        Raises:
            PipelineError: the variable is not set, or there is nothing there.
        """
        root = environment.get(SOURCE_VARIABLE)
        if not root:
            raise PipelineError(
                "no source is set", where=SOURCE_VARIABLE, remedy="Set it to the folder or URL of the AI-Hub sets."
            )
        share = cls(root)
        share.check()
        return share

    def check(self) -> None:
        """Raise a PipelineError if there is no such folder."""
        try:
            if not self.is_local:
                self._remote(_demand_folder)
            elif not Path(self.root).is_dir():
                raise FileNotFoundError(self.root)
        except FileNotFoundError as error:
            raise PipelineError(
                "the source of the labels and pictures is not there",
                where=self.place,
                remedy="Mount the share, or set OCR_PIPELINE_SOURCE to the folder or URL that holds the AI-Hub sets.",
            ) from error

    def read(self, path: str) -> bytes:
        """The bytes of one file, by its path below the root.

        Raises:
            FileNotFoundError: the file is not there.
            PipelineError: the share does not answer, or does not let the file be read.
        """
        if self.is_local:
            return self._local(path, _read_file)
        return self._remote(lambda fs, base: fs.cat_file(f"{base}/{path}"))

    def read_tail(self, entry: Entry, size: int) -> bytes:
        """The last ``size`` bytes of a file (all of it, if it is shorter)."""
        start = max(0, entry.size - size)
        if self.is_local:
            return self._local(entry.path, lambda path: _read_file(path, start))
        return self._remote(lambda fs, base: fs.cat_file(f"{base}/{entry.path}", start=start))

    def full_path(self, path: str) -> str:
        """The path or URL of a file as other programs take it, without user name and password."""
        return f"{self.place}/{path}"

    def below_root(self, full_path: str) -> str:
        """Inverse of `full_path`; paths that do not start at this share come back unchanged."""
        return full_path.removeprefix(f"{self.place}/")

    def walk(self, start: str = "", wanted: Callable[[Folder], bool] = lambda folder: True) -> Iterator[Entry]:
        """Every file below ``start``, sorted by folder and name; one listing per folder.

        ``wanted`` is asked before a folder is listed. Droppings of macOS are passed over.
        """
        names = tuple(nfc(part) for part in start.split("/") if part)
        yield from self._walk(start, names, wanted)

    def folders(self, start: str = "") -> list[tuple[str, str]]:
        """(NFC name, real path) of the folders directly below ``start``."""
        return [(nfc(name), path) for name, path, is_folder, _, _ in self._list(start) if is_folder]

    def _walk(self, path: str, names: Folder, wanted: Callable[[Folder], bool]) -> Iterator[Entry]:
        below = []
        for name, child, is_folder, size, modified in self._list(path):
            if is_folder:
                below.append((nfc(name), child))
            else:
                yield Entry(names, nfc(name), child, size, modified)
        for name, child in below:
            if wanted((*names, name)):
                yield from self._walk(child, (*names, name), wanted)

    def _list(self, path: str) -> list[tuple[str, str, bool, int, float]]:
        rows = self._list_local(path) if self.is_local else self._list_remote(path)
        return sorted((row for row in rows if not is_dropping(row[0])), key=lambda row: (nfc(row[0]), row[0]))

    def _list_local(self, path: str) -> Iterator[tuple[str, str, bool, int, float]]:
        prefix = f"{path}/" if path else ""
        for name, is_folder, size, modified in self._local(path, _read_folder):
            yield name, prefix + name, is_folder, size, modified

    def _list_remote(self, path: str) -> Iterator[tuple[str, str, bool, int, float]]:
        prefix = f"{path}/" if path else ""
        for info in self._remote(lambda fs, base: _fresh_listing(fs, f"{base}/{path}".rstrip("/"))):
            name = info["name"].rstrip("/").rsplit("/", 1)[-1]
            yield name, prefix + name, info["type"] == "directory", info.get("size") or 0, _modified(info)

    def _local(self, path: str, ask: Callable[[str], Any]) -> Any:
        try:
            return ask(f"{self.root}/{path}")
        except OSError as error:
            if isinstance(error, FileNotFoundError) and Path(self.root).is_dir():
                raise
            raise self._no_answer(error, f"{self.root}/{path}") from error

    def _remote(self, ask: Callable[[Any, str], Any]) -> Any:
        """Ask once more on a new connection: servers drop idle ones, and fsspec then reports files as missing."""
        try:
            return ask(*self._connection())
        except ftplib.all_errors:
            self._connections.__dict__.clear()
        try:
            return ask(*self._connection())
        except FileNotFoundError:
            raise
        except ftplib.all_errors as error:
            raise self._no_answer(error, self.place) from error

    def _connection(self) -> tuple[Any, str]:
        if not hasattr(self._connections, "opened"):
            self._connections.opened = fsspec.core.url_to_fs(self.root)
        return self._connections.opened

    def _no_answer(self, error: BaseException, where: str) -> PipelineError:
        return PipelineError(
            f"the share does not answer ({error})",
            where=where,
            remedy="Check the connection and the permissions; what is already published stays valid.",
        )


def _read_file(path: str, start: int = 0) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (twice as fast for small files)
        file.seek(start)
        return file.read()


def _read_folder(path: str) -> list[tuple[str, bool, int, float]]:
    with os.scandir(path) as entries:
        return [_describe(entry) for entry in entries]


def _describe(entry: os.DirEntry[str]) -> tuple[str, bool, int, float]:
    if entry.is_dir():
        return entry.name, True, 0, 0.0
    status = entry.stat()
    return entry.name, False, status.st_size, status.st_mtime


def _demand_folder(fs: Any, path: str) -> None:
    if not fs.isdir(path):
        raise FileNotFoundError(path)


def _fresh_listing(fs: Any, path: str) -> list[dict[str, Any]]:
    fs.invalidate_cache()  # a share changes while a process lives
    rows = fs.ls(path, detail=True)
    if not rows and hasattr(fs, "ftp"):
        fs.ftp.cwd(path or "/")  # fsspec shows a folder that it could not list as empty; this tells
    return rows


def is_dropping(name: str) -> bool:
    """Whether a name is one that macOS or Windows leaves beside the data."""
    return name.startswith(("._", "__MACOSX")) or name in (".DS_Store", "Thumbs.db", "desktop.ini")


def _modified(info: dict[str, Any]) -> float:
    stamp = info.get("mtime") or info.get("modify") or info.get("LastModified") or 0.0
    if isinstance(stamp, str):  # FTP (RFC 3659): YYYYMMDDHHMMSS[.sss] in UTC
        stamp = datetime.strptime(stamp[:14], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    return stamp.timestamp() if isinstance(stamp, datetime) else float(stamp)
