"""One look at the whole share in many short ones: a walk that stops when its time is over and goes on from there.

What is kept between two looks is a place and one running tally for each partition, however many files there are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import msgspec

from ocr_pipeline.data.datasets import DATASETS, Dataset
from ocr_pipeline.data.datasets.dataset import find_roots, split_of
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.source.share import Entry, Folder, Share

Clock = Callable[[], float]


class Tally(msgspec.Struct):
    """What was seen of one partition so far.

    Attributes:
        fingerprint: over the names, sizes and times of its files, folder by folder.
        marker: size and time of the newest marker file; empty if there is none.
    """

    fingerprint: str = ""
    files: int = 0
    bytes: int = 0
    marker: str = ""


class Sweep(msgspec.Struct):
    """How far the walk has come: all of the data sets in ``walked``, and of the next one all up to ``folder``."""

    walked: int = 0
    folder: Folder = ()
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.walked == len(DATASETS)


def walk_on(share: Share, sweep: Sweep, *, marker: str, until: float, clock: Clock = time.monotonic) -> None:
    """Walk on from where ``sweep`` stands, until the share's end or until the time is over (one folder at least)."""
    while not sweep.is_over:
        dataset = DATASETS[sweep.walked]
        for depth, folder, entries in _folders(share, dataset, sweep.folder):
            _count_folder(sweep.tallies, dataset, split_of(folder[depth:]), folder, entries, marker)
            sweep.folder = folder
            if clock() > until:
                return
        sweep.walked, sweep.folder = sweep.walked + 1, ()


def _folders(share: Share, dataset: Dataset, done: Folder) -> Iterator[tuple[int, Folder, Iterator[Entry]]]:
    """The folders that hold files, in the walk's own order (that of their names), from the one after ``done`` on.

    Each with the depth of its data set's root, below which a folder's name tells the split.
    """

    def lies_ahead(folder: Folder) -> bool:
        return folder > done or done[: len(folder)] == folder

    for root in find_roots(share, dataset.folder):
        names = tuple(map(nfc, root.split("/")))
        if lies_ahead(names):
            for folder, entries in groupby(share.walk(root, lies_ahead), key=lambda entry: entry.folder):
                if folder > done:
                    yield len(names), folder, entries


def _count_folder(
    tallies: dict[str, Tally],
    dataset: Dataset,
    split: str | None,
    folder: Folder,
    entries: Iterable[Entry],
    marker: str,
) -> None:
    digest, files, size, marked = hashlib.sha256("/".join(folder).encode()), 0, 0, ""
    for entry in entries:
        if entry.name == marker:
            marked = f"{entry.version} {entry.size}"
        else:
            digest.update(f"{entry.name}\t{entry.size}\t{entry.version}\n".encode())
            files, size = files + 1, size + entry.size
    for partition in dataset.partitions:
        is_its_own = partition.split in (None, split)
        if is_its_own or split is None:  # a marker above the splits speaks for all of them
            tally = tallies.setdefault(partition.key, Tally())
            tally.marker = max(tally.marker, marked)
        if is_its_own and files:
            tally.fingerprint = hashlib.sha256(tally.fingerprint.encode() + digest.digest()).hexdigest()[:24]
            tally.files, tally.bytes = tally.files + files, tally.bytes + size
