"""What one folder of the share holds, kept as rows: a million files are listed without a million objects."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ocr_pipeline.page import nfc
from ocr_pipeline.storage.manifest import fingerprint_of

Folder = tuple[str, ...]
"""A folder below the share's root, as the NFC names of its parts."""

Row = tuple[str, int, float]
"""Real name, size and version of one file."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One file on the share.

    Attributes:
        folder: NFC names of the folders above it, from the root; an archive counts as a folder of its name without
            ``.zip``.
        name: NFC file name.
        path: real spelling below the root (it may be NFD), with ``/``: what `Share.read` takes.
        size: bytes.
        version: what differs when the content differs: the time of the last change in seconds (0 where the share does
            not tell), and for a member of an archive its CRC-32.
        fault: why it cannot be read, where the listing already tells.
    """

    folder: Folder
    name: str
    path: str
    size: int
    version: float
    fault: str = ""

    @property
    def shown(self) -> str:
        """The path as a person and an artifact name it: NFC, relative to the root."""
        return "/".join((*self.folder, self.name))


@dataclass
class Contents:
    """What a folder holds, in no order and as it is spelled there.

    Attributes:
        folders: names.
        files: rows.
        faults: file name -> why it cannot be read.
        archives: names of zip archives, which count as folders.
        damage: why an archive cannot be listed.
    """

    folders: list[str] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    archives: list[str] = field(default_factory=list)
    damage: str = ""

    def below(self) -> list[tuple[str, str]]:
        """NFC name and real name of the folders and archives, sorted."""
        archives = ((nfc(name[: -len(".zip")]), name) for name in self.archives)
        return sorted([*((nfc(name), name) for name in self.folders), *archives])


@dataclass(frozen=True)
class Listing:
    """The files of one folder, sorted by their NFC names.

    Attributes:
        folder: NFC names from the root; path: real path below the root.
        rows: one for each file.
        faults: file name -> why it cannot be read.
        damage: why the whole folder, an archive, cannot be read; there are no rows then.
    """

    folder: Folder
    path: str
    rows: Sequence[Row]
    faults: Mapping[str, str] = field(default_factory=dict)
    damage: str = ""

    def __len__(self) -> int:
        return len(self.rows) + bool(self.damage)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """The files from ``start`` to ``stop``; a damaged archive is one entry with a fault."""
        if self.damage:
            yield Entry(self.folder[:-1], nfc(self.path.rpartition("/")[2]), self.path, 0, 0.0, self.damage)
            return
        prefix = f"{self.path}/" if self.path else ""
        for name, size, version in self.rows[start:stop]:
            yield Entry(self.folder, nfc(name), prefix + name, size, version, self.faults.get(name, ""))

    def fingerprint(self, start: int = 0, stop: int | None = None) -> str:
        """Changes with the name, size or version of any file from ``start`` to ``stop``."""
        rows = self.rows[start:stop]
        names, sizes, versions = zip(*rows, strict=True) if rows else ((), (), ())
        columns = array("q", sizes).tobytes(), array("d", versions).tobytes()
        return fingerprint_of([self.path, self.damage, "\0".join(names), *columns, repr(sorted(self.faults.items()))])


def sort_rows(rows: list[Row]) -> list[Row]:
    """Rows by their NFC names."""
    if unicodedata.is_normalized("NFC", "/".join([row[0] for row in rows])):
        return sorted(rows)
    return sorted(rows, key=lambda row: (nfc(row[0]), row[0]))


def is_dropping(name: str) -> bool:
    """Whether a name is one that macOS or Windows leaves beside the data."""
    return name.startswith(("._", "__MACOSX")) or name in (".DS_Store", "Thumbs.db", "desktop.ini")
