"""What one folder of the share holds, kept in columns: a million files are listed without a million objects."""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import filterfalse
from typing import Any

import msgspec

from ocr_pipeline.page import nfc
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.names import refusals, shown

logger = logging.getLogger(__name__)

Folder = tuple[str, ...]
"""A folder below the share's root, as the NFC names of its parts."""

State = tuple[int, float]
"""Size and version of one file; see `Entry`."""

NOTHING: State = 0, 0.0
"""The state of what cannot be asked for one."""

Ask = Callable[[list[str]], Iterable[State]]
"""Gives the states of the files of one folder, by their real names."""

_DROPPING = re.compile(r"\._|__MACOSX|(?:\.DS_Store|Thumbs\.db|desktop\.ini)\Z")


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
        files: names.
        told: file name -> state, where these come with the listing.
        ask: where they do not (a local folder), a request of its own for each file.
        faults: file name -> why it cannot be read.
        closed: folder name -> why nobody looks into it; it stands among the files then, whatever these are asked for.
        archives: names of zip archives, which count as folders.
        damage: why the folder or archive cannot be listed.
    """

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    told: dict[str, State] = field(default_factory=dict)
    ask: Ask | None = None
    faults: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    archives: list[str] = field(default_factory=list)
    damage: str = ""

    def below(self) -> list[tuple[str, str]]:
        """NFC name and real name of the folders and archives, sorted."""
        archives = ((nfc(name[: -len(".zip")]), name) for name in self.archives)
        return sorted([*((nfc(name), name) for name in self.folders), *archives])

    def add(self, name: str, size: int, version: float) -> None:
        """Note a file whose state the listing tells."""
        self.files.append(name)
        self.told[name] = size, version

    def admitted(self) -> Contents:
        """The same without what macOS and Windows leave beside the data; a name that cannot be taken is a fault.

        A file of such a name stays, with its fault and the name written by escapes; so does a folder, which is closed.
        """
        folders, files = (list(filterfalse(_DROPPING.match, names)) for names in (self.folders, self.files))
        refused = refusals(folders, files)
        if not refused and not self.closed:
            return replace(self, folders=folders, files=files)
        closed = self.closed | {name: refused[name] for name in folders if name in refused}
        closed = {shown(name): f"a folder that is passed over: {why}" for name, why in closed.items()}
        for name, why in closed.items():
            logger.warning("%s is %s", name, why)
        faults = {shown(name): refused[name] for name in files if name in refused} | closed
        return replace(
            self,
            folders=[name for name in folders if name not in refused],
            files=[*(shown(name) if name in refused else name for name in files), *closed],
            told=self.told | dict.fromkeys(faults, NOTHING),
            faults={**self.faults, **faults},
            closed=closed,
        )

    def states(self, names: list[str]) -> Iterable[State]:
        """Of some of the files."""
        return self.ask(names) if self.ask else map(self.told.__getitem__, names)


@dataclass(frozen=True)
class Listing:
    """The files of one folder, sorted by their NFC names, in about 60 bytes each.

    Sizes and versions are asked for when they are first needed: an index of names takes none.

    Attributes:
        folder: NFC names from the root; path: real path below the root.
        names: real names, with a zero character between them.
        ask: gives the files' states.
        faults: file name -> why it cannot be read.
        damage: why the whole folder or archive cannot be read; it holds no names then.
    """

    folder: Folder
    path: str
    names: str
    ask: Ask
    faults: Mapping[str, str] = field(default_factory=dict)
    damage: str = ""

    @classmethod
    def of(cls, folder: Folder, path: str, contents: Contents) -> Listing:
        """The files of a folder's contents."""
        names = _sorted(contents.files)
        if contents.ask:
            return cls(folder, path, "\0".join(names), contents.ask, contents.faults, contents.damage)
        known = _known(*_columns(contents.states(names)))
        return cls(folder, path, "\0".join(names), known, contents.faults, contents.damage)._asked()

    def __len__(self) -> int:
        return bool(self.damage) + (self.names.count("\0") + 1 if self.names else 0)

    @property
    def sizes(self) -> array[int]:
        return self._states[0]

    @property
    def versions(self) -> array[float]:
        return self._states[1]

    def part(self, start: int, stop: int) -> Listing:
        """The files from ``start`` to ``stop``, which alone are asked for their states."""
        if (start, stop) == (0, len(self)):
            return self
        names = "\0".join(self.real_names()[start:stop])
        if "_states" not in self.__dict__:
            return Listing(self.folder, self.path, names, self.ask, self.faults, self.damage)
        states = _known(self.sizes[start:stop], self.versions[start:stop])
        return Listing(self.folder, self.path, names, states, self.faults, self.damage)._asked()

    def closed(self, why: str) -> Listing:
        """The folder without its files, which are not to be read."""
        return Listing(self.folder, self.path, "", _known((), ()), damage=why)

    def entries(self) -> Iterator[Entry]:
        """The files; a folder or archive that cannot be listed is one entry with a fault."""
        if self.damage:
            yield Entry(self.folder[:-1], nfc(self.path.rpartition("/")[2]), self.path, 0, 0.0, self.damage)
        prefix = f"{self.path}/" if self.path else ""
        columns = zip(self.real_names(), self.nfc_names(), self.sizes, self.versions, strict=True)
        for name, in_nfc, size, version in columns:
            yield Entry(self.folder, in_nfc, prefix + name, size, version, self.faults.get(name, ""))

    def real_names(self) -> list[str]:
        """The names of the files as they are spelled."""
        return self.names.split("\0") if self.names else []

    def nfc_names(self) -> list[str]:
        """The same names in NFC."""
        return nfc(self.names).split("\0") if self.names else []

    @property
    def fingerprint(self) -> str:
        """Changes with the name, size, version or fault of any file."""
        faults = repr([*sorted(self.faults.items()), self.damage])
        path, names = os.fsencode(self.path), os.fsencode(self.names)
        return fingerprint_of([path, names, self.sizes.tobytes(), self.versions.tobytes(), faults])

    def _asked(self) -> Listing:
        """The same, its states known from now on."""
        _ = self._states
        return self

    @cached_property
    def _states(self) -> tuple[array[int], array[float]]:
        return _columns(self.ask(self.real_names()))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_states": self._states, "ask": None}


def _columns(states: Iterable[State]) -> tuple[array[int], array[float]]:
    rows = list(states)
    return array("q", [size for size, _ in rows]), array("d", [version for _, version in rows])


def _known(sizes: Sequence[int], versions: Sequence[float]) -> Ask:
    return lambda names: zip(sizes, versions, strict=True)


def _sorted(names: list[str]) -> list[str]:
    """By their NFC form."""
    if unicodedata.is_normalized("NFC", "/".join(names)):
        return sorted(names)
    return sorted(names, key=lambda name: (nfc(name), name))


def is_dropping(name: str) -> bool:
    """Whether a name is one that macOS or Windows leaves beside the data."""
    return _DROPPING.match(name) is not None
