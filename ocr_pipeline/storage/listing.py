"""What one folder of the share holds, kept in columns: a million files are listed without a million objects."""

from __future__ import annotations

import os
import unicodedata
from array import array
from collections.abc import Iterator, Mapping
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
    """The files of one folder, sorted by their NFC names, in about 60 bytes each.

    Attributes:
        folder: NFC names from the root; path: real path below the root.
        names: real names, in the file system's bytes with a zero byte between them.
        sizes, versions: one for each name; see `Entry`.
        faults: file name -> why it cannot be read.
        damage: why the whole folder, an archive, cannot be read; it holds no names then.
    """

    folder: Folder
    path: str
    names: bytes
    sizes: array[int]
    versions: array[float]
    faults: Mapping[str, str] = field(default_factory=dict)
    damage: str = ""

    @classmethod
    def of(cls, folder: Folder, path: str, contents: Contents) -> Listing:
        """The files of a folder's contents."""
        rows = _sorted(contents.files)
        names, sizes, versions = zip(*rows, strict=True) if rows else ((), (), ())
        joined = os.fsencode("\0".join(names))
        return cls(folder, path, joined, array("q", sizes), array("d", versions), contents.faults, contents.damage)

    def __len__(self) -> int:
        return len(self.sizes) + bool(self.damage)

    def part(self, start: int, stop: int) -> Listing:
        """The files from ``start`` to ``stop``."""
        if (start, stop) == (0, len(self)):
            return self
        names = b"\0".join(self.names.split(b"\0")[start:stop])
        sizes, versions = self.sizes[start:stop], self.versions[start:stop]
        return Listing(self.folder, self.path, names, sizes, versions, self.faults, self.damage)

    def entries(self) -> Iterator[Entry]:
        """The files; a damaged archive is one entry with a fault."""
        if self.damage:
            yield Entry(self.folder[:-1], nfc(self.path.rpartition("/")[2]), self.path, 0, 0.0, self.damage)
        prefix = f"{self.path}/" if self.path else ""
        columns = zip(self.real_names(), self.nfc_names(), self.sizes, self.versions, strict=True)
        for name, shown, size, version in columns:
            yield Entry(self.folder, shown, prefix + name, size, version, self.faults.get(name, ""))

    def real_names(self) -> list[str]:
        """The names of the files as they are spelled."""
        return os.fsdecode(self.names).split("\0") if self.sizes else []

    def nfc_names(self) -> list[str]:
        """The same names in NFC."""
        return nfc(os.fsdecode(self.names)).split("\0") if self.sizes else []

    @property
    def fingerprint(self) -> str:
        """Changes with the name, size, version or fault of any file."""
        faults = [*sorted(self.faults.items()), self.damage]
        return fingerprint_of(
            [os.fsencode(self.path), self.names, self.sizes.tobytes(), self.versions.tobytes(), repr(faults)]
        )


def _sorted(rows: list[Row]) -> list[Row]:
    """Rows by their NFC names."""
    if unicodedata.is_normalized("NFC", "/".join([row[0] for row in rows])):
        return sorted(rows)
    return sorted(rows, key=lambda row: (nfc(row[0]), row[0]))


def is_dropping(name: str) -> bool:
    """Whether a name is one that macOS or Windows leaves beside the data."""
    return name.startswith(("._", "__MACOSX")) or name in (".DS_Store", "Thumbs.db", "desktop.ini")
