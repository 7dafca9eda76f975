"""The share: the one place the raw labels and pictures come from, a local or mounted folder or any fsspec URL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
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
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.is_local = "://" not in self.root
        if self.is_local:
            self.root = str(Path(self.root).expanduser().absolute())
            self._fs, self._base = None, self.root
        else:
            self._fs, self._base = fsspec.core.url_to_fs(self.root)

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
        there = Path(self.root).is_dir() if self.is_local else self._remote(lambda fs: fs.isdir(self._base))
        if not there:
            raise PipelineError(
                "the source of the labels and pictures is not there",
                where=self.root,
                remedy="Mount the share, or set OCR_PIPELINE_SOURCE to the folder or URL that holds the AI-Hub sets.",
            )

    def read(self, path: str) -> bytes:
        """The bytes of one file, by its path below the root.

        Raises:
            OSError: the file is not there or cannot be read.
        """
        if self.is_local:
            with open(f"{self.root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 (twice as fast for small files)
                return file.read()
        return self._remote(lambda fs: fs.cat_file(f"{self._base}/{path}"))

    def read_tail(self, entry: Entry, size: int) -> bytes:
        """The last ``size`` bytes of a file (all of it, if it is shorter)."""
        start = max(0, entry.size - size)
        if self.is_local:
            with open(f"{self.root}/{entry.path}", "rb") as file:  # noqa: PTH123
                file.seek(start)
                return file.read()
        return self._remote(lambda fs: fs.cat_file(f"{self._base}/{entry.path}", start=start))

    def full_path(self, path: str) -> str:
        """The path or URL of a file as other programs take it."""
        return f"{self.root.rstrip('/')}/{path}"

    def below_root(self, full_path: str) -> str:
        """Inverse of `full_path`; paths that do not start at this share come back unchanged."""
        return full_path.removeprefix(self.root.rstrip("/") + "/")

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
        with os.scandir(f"{self.root}/{path}") as entries:
            for entry in entries:
                if entry.is_dir():
                    yield entry.name, prefix + entry.name, True, 0, 0.0
                else:
                    status = entry.stat()
                    yield entry.name, prefix + entry.name, False, status.st_size, status.st_mtime

    def _list_remote(self, path: str) -> Iterator[tuple[str, str, bool, int, float]]:
        prefix = f"{path}/" if path else ""
        for info in self._remote(lambda fs: fs.ls(f"{self._base}/{path}".rstrip("/"), detail=True)):
            name = info["name"].rstrip("/").rsplit("/", 1)[-1]
            yield name, prefix + name, info["type"] == "directory", info.get("size") or 0, _modified(info)

    def _remote(self, ask: Callable[[Any], Any]) -> Any:
        try:
            return ask(self._fs)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise PipelineError(
                f"the share does not answer ({error})",
                where=self.root,
                remedy="Check the connection and the credentials; what is already published stays valid.",
            ) from error


def is_dropping(name: str) -> bool:
    """Whether a name is one that macOS or Windows leaves beside the data."""
    return name.startswith(("._", "__MACOSX")) or name in (".DS_Store", "Thumbs.db", "desktop.ini")


def _modified(info: dict[str, Any]) -> float:
    stamp = info.get("mtime") or info.get("modify") or info.get("LastModified") or 0.0
    return stamp.timestamp() if hasattr(stamp, "timestamp") else float(stamp) if isinstance(stamp, int | float) else 0.0
