"""The files below a root with the zip archives among them as folders."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ocr_pipeline.errors import tell_unexpected
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.source.archives import Archive, DamagedError, Volume
from ocr_pipeline.storage.source.listing import Contents, Folder

logger = logging.getLogger(__name__)

_MEMBERS_KEPT = 300_000
"""Of the archives used last (about 100 MB); others are opened again when they are needed."""

_ARCHIVE = re.compile(r"(?i)^(.+\.zip)(?:\.(?:part)?(\d+))?$")
_OTHER_ARCHIVE = re.compile(
    r"(?i)\.(?:7z(?:\.\d+)?|zipx|rar|alz|egg|lzh|cab|iso|tar|tar\.\w+|t?(?:gz|bz2|xz|zst)|z\d\d"
    r"|crdownload|opdownload|download|part|partial|aria2|!ut)$"
)
_ON_THE_WAY = re.compile(r"(?i)\.zip(?=/|$)")


class Files(Protocol):
    """What a local folder and a remote URL have in common."""

    def check(self) -> None: ...

    def contents(self, path: str) -> Contents: ...

    def read(self, path: str, start: int = 0, size: int | None = None) -> bytes: ...


@dataclass(frozen=True)
class _Delivered:
    """One archive as it lies on the share.

    Attributes:
        pieces: path and size of each, in order.
        versions: of the pieces: when one changes, the directory is read again.
        fault: why it cannot be read at all.
    """

    pieces: tuple[tuple[str, int], ...]
    versions: tuple[float, ...]
    fault: str = ""


class ArchiveFiles:
    """Lists and reads files, whether they lie in folders or in archives; safe with threads.

    Raises:
        FileNotFoundError: there is no such file or folder.
        DamagedError: an archive, or the file in it, cannot be read.
        PipelineError: the share does not answer.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._delivered: dict[str, dict[str, _Delivered]] = {}
        self._opened: OrderedDict[str, tuple[_Delivered, Archive]] = OrderedDict()
        self._opening = threading.Lock()

    def check(self) -> None:
        """Raise a FileNotFoundError if the root is not there."""
        self._files.check()

    def contents(self, path: str, keep: Callable[[str], bool]) -> Contents:
        """What a folder, an archive or a folder in an archive holds; files are those whose names ``keep`` takes."""
        inside = self._split(path)
        if inside is not None:
            return _within_archive(self._archive(inside[0]).contents(inside[1]), keep)
        found = self._files.contents(path).admitted()
        archives = _archives(found.files)
        self._delivered[path] = _deliveries(path, found, archives)
        self._choose(path, found)
        found.archives = list(self._delivered[path])
        unread = _not_read(found.files) | found.closed
        found.faults = {**found.faults, **unread}
        found.files = [name for name in found.files if name in unread or (keep(name) and name not in archives)]
        return found

    def _choose(self, path: str, found: Contents) -> None:
        """Of an archive and a folder of its name leave one: the folder if it holds all of the archive."""
        prefix = f"{path}/" if path else ""
        folders = {nfc(name).casefold(): name for name in found.folders}
        for name in [name for name in self._delivered[path] if _unpacked_name(name) in folders]:
            folder = folders[_unpacked_name(name)]
            if self._holds_all(prefix + folder, prefix + name):
                logger.info("%s is passed over: a folder of its name stands beside it", prefix + name)
                del self._delivered[path][name]
            else:
                logger.warning("the folder %s is passed over: %s beside it holds more", prefix + folder, name)
                found.folders.remove(folder)

    def _holds_all(self, folder: str, archive: str) -> bool:
        """Whether the folder holds every file of the archive; true of an archive that cannot be read."""
        try:
            opened = self._archive(archive)
        except DamagedError:
            return True
        top = opened.contents("").folders
        roots = ["", *(name for name in top if nfc(name).casefold() == _unpacked_name(archive.rpartition("/")[2]))]
        return any(self._holds(folder, opened, root) for root in roots)

    def _holds(self, folder: str, archive: Archive, below: str) -> bool:
        wanted, found = archive.contents(below).admitted(), self._files.contents(folder).admitted()
        names = {nfc(name): name for name in (*found.folders, *found.files)}
        if any(nfc(name) not in names for name in (*wanted.folders, *wanted.files)):
            return False
        prefix = f"{below}/" if below else ""
        return all(self._holds(f"{folder}/{names[nfc(name)]}", archive, prefix + name) for name in wanted.folders)

    def read(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """``size`` bytes from ``start`` on, or all that follow."""
        inside = self._split(path)
        if inside is None:
            return self._files.read(path, start, size)
        data = self._archive(inside[0]).read(inside[1])
        return data[start:] if size is None else data[start : start + size]

    def pieces(self, path: str, piece: int) -> Iterator[bytes]:
        """One file as a stream, with ``piece`` bytes asked for at a time."""
        inside = self._split(path)
        if inside is not None:
            yield from self._archive(inside[0]).pieces(inside[1], piece)
            return
        start, data = 0, self._files.read(path, 0, piece)
        while data:
            yield data
            start += len(data)
            data = self._files.read(path, start, piece) if len(data) == piece else b""

    def names(self, path: str) -> Folder:
        """The NFC names of a folder's parts, from the root; an archive goes without ``.zip``."""
        inside = self._split(path)
        shown = path if inside is None else f"{inside[0][: -len('.zip')]}/{inside[1]}"
        return tuple(nfc(part) for part in shown.split("/") if part)

    def _split(self, path: str) -> tuple[str, str] | None:
        """Path of the archive and path within it; None for what lies in no archive."""
        for found in _ON_THE_WAY.finditer(path):
            archive = path[: found.end()]
            if self._delivery(archive) is not None:
                return archive, path[found.end() + 1 :]
        return None

    def _delivery(self, archive: str) -> _Delivered | None:
        folder, _, name = archive.rpartition("/")
        if folder not in self._delivered:
            self.contents(folder, lambda name: False)
        return self._delivered[folder].get(name)

    def _archive(self, path: str) -> Archive:
        delivered = self._delivery(path)
        if delivered is None:
            raise FileNotFoundError(path)
        if delivered.fault:
            raise DamagedError(delivered.fault)
        with self._opening:
            known = self._opened.get(path)
            if known is None or known[0] != delivered:
                known = delivered, _opened(Volume(self._files.read, delivered.pieces), path)
                self._opened[path] = known
            self._opened.move_to_end(path)
            while len(self._opened) > 1 and sum(len(archive) for _, archive in self._opened.values()) > _MEMBERS_KEPT:
                self._opened.popitem(last=False)
        return known[1]


def _opened(volume: Volume, path: str) -> Archive:
    try:
        return Archive(volume)
    except (DamagedError, FileNotFoundError):
        raise
    except Exception as error:
        tell_unexpected(error, path)
        raise DamagedError(f"the archive cannot be read ({type(error).__name__}: {error})") from error


def _within_archive(found: Contents, keep: Callable[[str], bool]) -> Contents:
    found = found.admitted()
    nested = (
        _not_read(found.files) | found.closed | dict.fromkeys(_archives(found.files), "an archive within an archive")
    )
    found.files = [name for name in found.files if keep(name) or name in nested]
    found.faults = {**found.faults, **nested}
    return found


def _archives(names: list[str]) -> frozenset[str]:
    """Which of the names are those of archives or their pieces."""
    if ".zip" not in "/".join(names).lower():  # one look at all of them
        return frozenset()
    return frozenset(filter(_ARCHIVE.match, names))


def _deliveries(path: str, found: Contents, archives: frozenset[str]) -> dict[str, _Delivered]:
    """Archives by their names, with the pieces of each."""
    # VL.zip, TL.zip.part0, TL.zip.part1 and TS.zip with TS.zip.part0 give VL.zip of one piece, TL.zip of two and TS.zip
    # of one: who has joined the pieces has the archive twice, and the whole one counts.
    prefix = f"{path}/" if path else ""
    whole: dict[str, _Delivered] = {}
    parts: dict[str, list[tuple[int, str, int, float]]] = {}
    names = [name for name in found.files if name in archives]
    for name, (size, version) in zip(names, found.states(names), strict=True):
        archive, number = _ARCHIVE.match(name).groups()  # type: ignore[union-attr]
        if number is None:
            whole[archive] = _Delivered(((prefix + name, size),), (version,))
        else:
            parts.setdefault(archive, []).append((int(number), prefix + name, size, version))
    joined = {name: _joined(sorted(pieces)) for name, pieces in parts.items()}
    return {**joined, **whole}


def _unpacked_name(archive: str) -> str:
    """What a folder is called into which an archive was unpacked, whatever its case."""
    return nfc(archive[: -len(".zip")]).casefold()


def _not_read(names: list[str]) -> dict[str, str]:
    """Archives of kinds that are not read, and downloads on their way: name -> what to do."""
    return dict.fromkeys(filter(_OTHER_ARCHIVE.search, names), "an archive that is not read in place: unpack it")


def _joined(pieces: list[tuple[int, str, int, float]]) -> _Delivered:
    """Pieces numbered 0, 1, 2... (or from 1), or by the offset of their first byte."""
    numbers = [number for number, *_ in pieces]
    sizes = [size for _, _, size, _ in pieces]
    offsets = [sum(sizes[:place]) for place in range(len(sizes))]
    counted = [numbers[0] + place for place in range(len(numbers))] if numbers[0] in (0, 1) else None
    fault = "" if numbers in (offsets, counted) else f"pieces of the archive are missing (there are {numbers})"
    return _Delivered(
        tuple((path, size) for _, path, size, _ in pieces), tuple(version for *_, version in pieces), fault
    )
