"""The share: the one place the raw labels and pictures come from, a local or mounted folder or any fsspec URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import in_order
from ocr_pipeline.settings import as_it_lies, demand_spelled, likely
from ocr_pipeline.storage.source.archive_files import ArchiveFiles, Files
from ocr_pipeline.storage.source.archives import DamagedError
from ocr_pipeline.storage.source.credentials import without_user
from ocr_pipeline.storage.source.listing import Contents, Entry, Folder, Listing, is_dropping
from ocr_pipeline.storage.source.local_files import LocalFiles

__all__ = ["SOURCE_VARIABLE", "DamagedError", "Entry", "Folder", "Listing", "Share", "is_dropping"]

SOURCE_VARIABLE = "OCR_PIPELINE_SOURCE"

_AHEAD = 4
"""Requests under way at a time on a remote share; FTP servers admit a handful of connections of one user."""

_PIECE = 1 << 23

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Share:
    """Reads and lists what lies below one root; zip archives are read in place, as if they were unpacked folders.

    ``TL_x.zip`` (or its pieces ``TL_x.zip.part0``, ``.part1``...) is walked as a folder ``TL_x``; the path of a member
    is ``TL_x.zip/member``. A folder of the same name beside it is taken for the unpacked archive and read instead.

    A share can be used from many threads, and pickled: worker processes then keep one share each.

    Args:
        root: a folder (the guide's gvfs path with its colon and backslash included) or an fsspec URL.

    Attributes:
        place: the root as artifacts and messages name it: without user name and password.

    Raises:
        PipelineError: the URL cannot be read, or it is a path of another system.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.is_local = "://" not in self.root
        if self.is_local:
            self.root = as_it_lies(str(Path(self.root).expanduser()), SOURCE_VARIABLE)
            self.root = str(Path(self.root).absolute())
        else:
            _demand_readable(self.root)
        self.place = without_user(self.root).rstrip("/")
        self._files = ArchiveFiles(LocalFiles(self.root) if self.is_local else _remote(self.root))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Share:
        """The share that OCR_PIPELINE_SOURCE names.

        Raises:
            PipelineError: the variable is not set, or there is nothing there.
        """
        demand_spelled([SOURCE_VARIABLE], environment)
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
            self._files.check()
        except (FileNotFoundError, NotADirectoryError) as error:
            is_file = isinstance(error, NotADirectoryError)
            raise PipelineError(
                f"the source of the labels and pictures is {'a file, no folder' if is_file else 'not there'}",
                where=self.place,
                remedy="Mount the share, or set OCR_PIPELINE_SOURCE to the folder or URL that holds the AI-Hub sets."
                + (likely(self.root) if self.is_local else ""),
            ) from error

    def read(self, path: str) -> bytes:
        """The bytes of one file, by its path below the root.

        Raises:
            FileNotFoundError: the file is not there.
            DamagedError: it lies in an archive that cannot be read, or is damaged there.
            PipelineError: the share does not answer, or does not let the file be read.
        """
        return self._files.read(path)

    def read_pieces(self, path: str, piece: int = _PIECE) -> Iterator[bytes]:
        """One large file as a stream, ``piece`` bytes asked for at a time. Raises what `read` raises."""
        return self._files.pieces(path, piece)

    def read_tail(self, entry: Entry, size: int) -> bytes:
        """The last ``size`` bytes of a file (all of it, if it is shorter). Raises what `read` raises."""
        return self._files.read(entry.path, max(0, entry.size - size))

    def ahead(self, ask: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """``map``, with some requests under way at a time where the share is remote; answers keep their order."""
        if self.is_local:
            yield from map(ask, items)
            return
        with closing(in_order(self._threads, ask, ((None, item) for item in items), 2 * _AHEAD)) as answers:
            yield from (answer for _, answer in answers)

    def full_path(self, path: str) -> str:
        """The path or URL of a file as other programs take it, without user name and password."""
        return f"{self.place}/{path}"

    def below_root(self, full_path: str) -> str:
        """Inverse of `full_path`; paths that do not start at this share come back unchanged."""
        return full_path.removeprefix(f"{self.place}/")

    def walk(self, start: str = "", wanted: Callable[[Folder], bool] = lambda folder: True) -> Iterator[Entry]:
        """Every file below ``start``, sorted by folder and name. See `listings`."""
        for listing in self.listings(start, wanted):
            yield from listing.entries()

    def listings(
        self,
        start: str = "",
        wanted: Callable[[Folder], bool] = lambda folder: True,
        keep: Callable[[str], bool] = lambda name: True,
    ) -> Iterator[Listing]:
        """The files of every folder below ``start``, sorted; one request for each folder.

        Args:
            wanted: asked before a folder or archive is listed.
            keep: takes or leaves a file by its name; droppings of macOS are passed over.
        """
        yield from self._listings(self._files.names(start), start, self._contents(start, keep), wanted, keep)

    def folders(self, start: str = "") -> list[tuple[str, str]]:
        """(NFC name, real path) of the folders and archives directly below ``start``."""
        prefix = f"{start}/" if start else ""
        return [(name, prefix + real) for name, real in self._contents(start, lambda name: False).below()]

    def _listings(
        self,
        names: Folder,
        path: str,
        found: Contents,
        wanted: Callable[[Folder], bool],
        keep: Callable[[str], bool],
    ) -> Iterator[Listing]:
        if found.files or found.damage:
            yield Listing.of(names, path, found)
        prefix = f"{path}/" if path else ""
        below = [((*names, name), prefix + real) for name, real in found.below() if wanted((*names, name))]
        contents = self.ahead(partial(self._contents, keep=keep), [child for _, child in below])
        for (folder, child), inside in zip(below, contents, strict=True):
            yield from self._listings(folder, child, inside, wanted, keep)

    def _contents(self, path: str, keep: Callable[[str], bool]) -> Contents:
        try:
            return self._files.contents(path, keep)
        except DamagedError as error:
            return Contents(damage=str(error))

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AHEAD, "share")

    def __reduce__(self):
        return _share_of_process, (self.root,)


def _demand_readable(url: str) -> None:
    """Refuse a URL of which nobody can tell where its password ends."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise PipelineError(
            "the URL of the source cannot be read: its port is no number",
            where=f"{url.partition('://')[0]}://...",
            remedy="A password with / ? # or [ belongs into fsspec's configuration, such as FSSPEC_FTP_PASSWORD.",
        ) from None  # the error's text holds a part of the password


def _remote(root: str) -> Files:
    from ocr_pipeline.storage.source.remote_files import RemoteFiles  # fsspec costs every worker process 50 ms

    return RemoteFiles(root)


@lru_cache(maxsize=4)
def _share_of_process(root: str) -> Share:
    return Share(root)
