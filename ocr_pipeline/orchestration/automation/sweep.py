"""One look at the whole share in many short ones: a walk that stops when its time is over and goes on from there.

What is kept between two looks is a place and one running tally for each partition, however many files there are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator

import msgspec

from ocr_pipeline.data.datasets import DATASETS, Dataset
from ocr_pipeline.data.datasets.dataset import find_roots, split_of
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.listing import Folder, Listing
from ocr_pipeline.storage.source.share import Share

Clock = Callable[[], float]

BLOCK = 1000
"""Files between two looks at the clock; what is counted together, so another number is another fingerprint."""


class Tally(msgspec.Struct):
    """What was seen of one partition so far.

    Attributes:
        fingerprint: over the names, sizes and times of its files, block by block.
        marker: size and time of the newest marker file; empty if there is none.
        corrections: fingerprint of what people said of its labels; it counts in ``fingerprint``, if there is any.
    """

    fingerprint: str = ""
    files: int = 0
    bytes: int = 0
    marker: str = ""
    corrections: str = ""

    def corrected(self, corrections: str) -> Tally:
        """The same with corrections."""
        fingerprint = fingerprint_of([self.fingerprint, corrections]) if corrections else self.fingerprint
        return msgspec.structs.replace(self, fingerprint=fingerprint, corrections=corrections)


class Sweep(msgspec.Struct):
    """How far the walk has come: all of the data sets in ``walked``, and of the next one all up to ``folder``.

    Attributes:
        within: how many files of that folder are counted, as long as that is not all of them.
    """

    walked: int = 0
    folder: Folder = ()
    within: int = 0
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)

    @property
    def is_of_these_sets(self) -> bool:
        """Whether it can go on: there are as many sets as it has walked."""
        return self.walked <= len(DATASETS)

    @property
    def is_over(self) -> bool:
        return self.walked == len(DATASETS)


def walk_on(share: Share, sweep: Sweep, *, marker: str, until: float, clock: Clock = time.monotonic) -> None:
    """Walk on from where ``sweep`` stands, until the share's end or until the time is over (one block at least)."""
    while not sweep.is_over:
        dataset = DATASETS[sweep.walked]
        for depth, block, within in _blocks(share, dataset, sweep.folder, sweep.within):
            _count(sweep.tallies, dataset, split_of(block.folder[depth:]), block, marker)
            sweep.folder, sweep.within = block.folder, within
            if clock() > until:
                return
        sweep.walked, sweep.folder, sweep.within = sweep.walked + 1, (), 0


def _blocks(share: Share, dataset: Dataset, done: Folder, within: int) -> Iterator[tuple[int, Listing, int]]:
    """The files of all folders in the walk's own order (that of their names), some at a time, after what is done.

    Each block with the depth of its data set's root, below which a folder's name tells the split, and how many files
    of its folder come before the next one; 0 where it is the last.
    """

    def lies_ahead(folder: Folder) -> bool:
        return folder > done or done[: len(folder)] == folder

    for root in find_roots(share, dataset.folder):
        names = tuple(map(nfc, root.split("/")))
        for listing in share.listings(root, lies_ahead) if lies_ahead(names) else ():
            goes_on = listing.folder == done and within > 0
            if listing.folder > done or goes_on:
                for start in range(within if goes_on else 0, len(listing), BLOCK):
                    stop = min(start + BLOCK, len(listing))
                    yield len(names), listing.part(start, stop), stop if stop < len(listing) else 0


def _count(tallies: dict[str, Tally], dataset: Dataset, split: str | None, block: Listing, marker: str) -> None:
    digest, files, size, marked = hashlib.sha256("/".join(block.folder).encode()), 0, 0, ""
    for entry in block.entries():
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
