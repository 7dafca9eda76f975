"""What a data set is to the pipeline: where it lies on the share and how its labels read."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ocr_pipeline.page import PICTURE_ENDINGS, Page, Quarantined, nfc
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.source.share import Entry, Folder, Listing, Share

Kind = Literal["label", "picture"]

logger = logging.getLogger(__name__)

_SPLIT = re.compile(
    r"(?:(?P<train>training|train|학습|훈련)|validation|valid|val|검증|dev)(?:set|data|add|v|용|데이터|추가|수정|세트)*"
)
_OF_NO_SPLIT = "passed over: no folder above them is named after a split (1.Training, 2.Validation)"
_ENDINGS = tuple(PICTURE_ENDINGS)  # what str.endswith takes


class LabelError(ValueError):
    """A label file that cannot be read as a page; the message says why."""


@dataclass
class Parsed:
    """What one label document holds: pages, what was set aside, and the counts that make both add up."""

    pages: list[Page] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def set_aside(self, record: Quarantined) -> None:
        self.quarantined.append(record)
        self.counts.set_aside(record)


class KnownCount(NamedTuple):
    """How many pages (and words) some splits of a set hold together, by its page at AI-Hub or counted on a whole copy.

    Attributes:
        splits: empty for a set that comes as one file.
        tolerance: relative; wide where only a round number is known.
    """

    splits: tuple[str, ...]
    pages: int
    words: int | None = None
    tolerance: float = 0.005


def _does_not_come_so(*_: Any) -> Any:
    raise LabelError("the labels of this data set do not come in this way")


def _no_usual_form(*_: Any) -> None:
    return None


def _always(_: Page) -> bool:
    return True


@dataclass(frozen=True)
class Dataset:
    """One AI-Hub data set.

    Attributes:
        name: as in all artifact names.
        title: as AI-Hub calls it.
        folder: letters that its folder's name on the share contains, after `letters`.
        splits: its source partitions; None for a set that comes as one file and is split here.
        read: (label document, label path, split) -> Parsed; raises LabelError.
        read_usual: (bytes of a label file, label path, split) -> what ``read`` would give, or None where the label is
            not of the usual form.
        read_whole: for a set that comes as one file, instead of ``read``: (opens the file as pieces, label path) ->
            Parsed after Parsed; raises LabelError.
        documents: whether its pictures are pages, where a layout model makes sense.
        partly_labelled: whether pages carry printed text without labels.
        is_whole_page: whether a page is one that a detector learns from; a word cut out already is none.
        is_drawn: whether its labels and pictures are drawn into the output folder, and lie on no share.
        known_counts: what came in is compared with these in the quality report.
    """

    name: str
    title: str
    folder: str
    splits: tuple[str, ...] | None
    read: Callable[[Any, str, str], Parsed] = _does_not_come_so
    read_usual: Callable[[bytes, str, str], Parsed | None] = _no_usual_form
    read_whole: Callable[[Callable[[], Iterable[bytes]], str], Iterator[Parsed]] = _does_not_come_so
    documents: bool = True
    partly_labelled: bool = False
    is_whole_page: Callable[[Page], bool] = _always
    is_drawn: bool = False
    known_counts: tuple[KnownCount, ...] = ()

    @property
    def partitions(self) -> tuple[SourcePartition, ...]:
        if self.splits is None:
            return (SourcePartition(self.name, self, None),)
        return tuple(SourcePartition(f"{self.name}_{split}", self, split) for split in self.splits)


@dataclass(frozen=True)
class SourcePartition:
    """One data set and split as AI-Hub delivers it; the unit of reruns and backfills.

    Attributes:
        key: ``handwriting_train``; ``text_in_wild`` for the set that comes as one file.
        split: None where the set is split by this project.
    """

    key: str
    dataset: Dataset
    split: str | None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of the artifacts made from this partition."""
        return (self.split,) if self.split else ("train", "valid")

    def labels(self, share: Share) -> Iterator[Entry]:
        """Label files on the share, sorted by path; nothing if the set is not there."""
        return (entry for listing in self.label_folders(share) for entry in listing.entries())

    def pictures(self, share: Share) -> Iterator[Entry]:
        """Picture files on the share, sorted by path; nothing if the set is not there."""
        return (entry for listing in self.picture_folders(share) for entry in listing.entries())

    def label_folders(self, share: Share) -> Iterator[Listing]:
        """The same label files, by their folders."""
        return self._folders(share, "label", self._is_label)

    def picture_folders(self, share: Share) -> Iterator[Listing]:
        """The same picture files, by their folders."""
        return self._folders(share, "picture", is_picture)

    def _is_label(self, name: str) -> bool:
        is_json = name.lower().endswith(".json")
        return is_json if self.split else is_json and "datainfo" in letters(name.rpartition(".")[0])

    def _folders(self, share: Share, kind: Kind, keep: Callable[[str], bool]) -> Iterator[Listing]:
        for start in find_roots(share, self.dataset.folder):
            depth = start.count("/") + 1
            for listing in share.listings(start, partial(self._may_hold, depth, kind), keep):
                if self._holds(listing.folder[depth:]) or self._may_hide(listing, depth):
                    yield listing
                elif split_of(listing.folder[depth:]) is None and kind_of(listing.folder[depth:]) == kind:
                    logger.warning("%s: %d %s files are %s", listing.path, len(listing), kind, _OF_NO_SPLIT)
                    yield listing.closed(f"{len(listing)} {kind} files are {_OF_NO_SPLIT}")

    def _may_hold(self, depth: int, kind: Kind, whole: Folder) -> bool:
        folder = whole[depth:]
        split = split_of(folder)
        return (split is None or self._is_split(split)) and kind_of(folder) in (kind, None)

    def _holds(self, folder: Folder) -> bool:
        return self.split is None or self.split == (split_of(folder) or "")

    def _may_hide(self, listing: Listing, depth: int) -> bool:
        """Whether a folder or archive that cannot be listed lies above any split, and may hold files of this one."""
        return bool(listing.damage) and split_of(listing.folder[depth:]) is None

    def _is_split(self, split: str) -> bool:
        # "train" may still turn out "train_partly" further down
        return self.split is None or self.split == split or (split == "train" and self.split == "train_partly")


def letters(name: str) -> str:
    """A name reduced to what survives re-spelling: NFC, case folded, letters only (no digits, signs or spaces)."""
    return re.sub(r"[\W\d_]+", "", nfc(name).casefold())


def is_picture(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def find_roots(share: Share, folder: str) -> list[str]:
    """Real paths of the folders, one or two levels below the root, whose names contain the letters of ``folder``."""
    roots = []
    for name, path in share.folders():
        if folder in letters(name):
            roots.append(path)
        else:
            roots += [below for below_name, below in share.folders(path) if folder in letters(below_name)]
    return _once(share, roots)


def _once(share: Share, roots: list[str]) -> list[str]:
    """The same without links to a folder that is among them itself."""
    if len(roots) < 2 or not share.is_local:
        return roots
    root = Path(share.root).resolve()
    places = {path: (root / path).resolve() for path in roots}
    kept: dict[Path, str] = {}
    for path in sorted(roots, key=lambda path: places[path] != root / path):  # what lies there itself comes first
        kept.setdefault(places[path], path)
    return [path for path in roots if kept[places[path]] == path]


def split_of(folder: Folder) -> str | None:
    """The split by the topmost folder that names one (handwriting keeps ``4.Validation`` inside its training data)."""
    for place, name in enumerate(folder):
        told = _SPLIT.fullmatch(letters(name))
        if told and told["train"]:
            return "train_partly" if any("partly" in letters(below) for below in folder[place:]) else "train"
        if told:
            return "valid"
    return None


def kind_of(folder: Folder) -> Kind | None:
    """Whether a folder holds labels or pictures, where its name tells; None where it does not."""
    for name in folder:
        told = re.search(r"라벨|원천|^[TV][LS](?=[_\d]|$)", name)
        if told:
            return "label" if told[0] == "라벨" or told[0].endswith("L") else "picture"
    return None
