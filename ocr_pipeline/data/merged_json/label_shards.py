"""Shards of a partition's label files: which files go together, and what is read out of them."""

from __future__ import annotations

import gc
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec

from ocr_pipeline.data.corrections import NONE, Corrections, apply_corrections
from ocr_pipeline.data.datasets import Parsed, SourcePartition, source_partition
from ocr_pipeline.data.merged_json.format import LINE_END
from ocr_pipeline.data.merged_json.labels import read_label, unreadable
from ocr_pipeline.data.merged_json.lineage import traces_of
from ocr_pipeline.errors import PipelineError, tell_unexpected
from ocr_pipeline.page import Quarantined, what_was_unexpected
from ocr_pipeline.storage.artifacts.lineage import Trace, write_traces
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.shards import Shard
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

CODE_VERSION = "5"
SHARD_SIZE = 2000
_LONGEST = 4  # times as many files as usual are at most in one shard
PAGES, DIGEST = "pages.jsonl", "digest"
LARGEST_LABEL = 64 << 20
_BUFFER = 1 << 20


@dataclass(frozen=True)
class LabelFiles:
    """The work of one shard: the label files of some folders, or some files of one, and what people said of them."""

    share: Share
    partition: str
    folders: tuple[Listing, ...]
    corrections: Corrections = NONE

    def __len__(self) -> int:
        return sum(map(len, self.folders))


def label_shards(
    share: Share, partition: SourcePartition, folders: Iterable[Listing], corrections: Corrections = NONE
) -> Iterator[Shard[LabelFiles]]:
    """The shards of a partition, in the order of its label files; each differs with the corrections of its own."""
    for group in _groups(folders):
        own = corrections.of_labels(_labels(group, corrections))
        parts = [CODE_VERSION, partition.key, *(folder.fingerprint for folder in group)]
        fingerprint = fingerprint_of([*parts, own.fingerprint] if own else parts)
        yield Shard(fingerprint, LabelFiles(share, partition.key, group, own))


def _labels(folders: Iterable[Listing], corrections: Corrections) -> Iterator[str]:
    """The label files of some folders that corrections speak of."""
    for listing in folders:
        folder = "/".join(listing.folder)
        if corrections.is_in(folder):
            yield from (f"{folder}/{name}" for name in listing.nfc_names())


def homeless(
    partition: SourcePartition, folders: Iterable[Listing], corrections: Corrections
) -> tuple[Counts, list[Quarantined]]:
    """The corrections of label files that are in none of all folders, set aside."""
    left = corrections.elsewhere(_labels(folders, corrections), partition.dataset.name, partition.split or "")
    return left.counts, left.quarantined


def _groups(folders: Iterable[Listing]) -> Iterator[tuple[Listing, ...]]:
    """Parts of large folders, and neighbouring small folders together.

    Where one ends depends on the names that stand there (content-defined chunking, Muthitacharoen et al. 2001), so that
    a new file or folder moves only the ends near to it, wherever it is sorted in.
    """
    group: list[Listing] = []
    held = 0
    for folder in folders:
        if group and held + len(folder) > SHARD_SIZE:
            yield tuple(group)
            group, held = [], 0
        if len(folder) > SHARD_SIZE:
            yield from ((folder.part(start, stop),) for start, stop in pairwise(_ends(folder)))
            continue
        group.append(folder)
        held += len(folder)
        if held > SHARD_SIZE // 8 and _check(folder.path) % 4 == 0:
            yield tuple(group)
            group, held = [], 0
    if group:
        yield tuple(group)


def _ends(folder: Listing) -> Iterator[int]:
    """Where the parts of a large folder end, with its beginning; they have `SHARD_SIZE` files on average."""
    start = 0
    yield start
    for place, name in enumerate(folder.nfc_names()):
        if place > start and (place - start >= _LONGEST * SHARD_SIZE or _check(name) % SHARD_SIZE == 0):
            start = place
            yield start
    yield len(folder)


def _check(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogateescape"))


def fill_shard(job: LabelFiles, draft: Path) -> tuple[Counts, list[Quarantined]]:
    """Write the page lines of one shard and their digest; the same files give the same bytes."""
    partition = source_partition(job.partition)
    entries = [entry for folder in job.folders for entry in folder.entries()]
    counts, quarantined, traces = Counts(), [], list[Trace]()
    encode, digest = msgspec.json.Encoder().encode, hashlib.sha256()
    fetched = job.share.ahead(partial(_fetch, job.share), entries)
    with _no_collection(), (draft / PAGES).open("wb", _BUFFER) as file:
        for entry, data in zip(entries, fetched, strict=True):
            for parsed in apply_corrections([_parse(entry, data, partition)], entry.shown, job.corrections):
                lines = b"".join(encode(page) + LINE_END for page in parsed.pages)
                digest.update(lines)
                file.write(lines)
                counts += parsed.counts
                quarantined += parsed.quarantined
                traces += traces_of(parsed.pages, job.corrections, parsed.quarantined)
    write_traces(draft, traces)
    (draft / DIGEST).write_text(digest.hexdigest())
    return counts, quarantined


def _parse(entry: Entry, data: bytes | DamagedError, partition: SourcePartition) -> Parsed:
    if isinstance(data, DamagedError):
        return unreadable(entry.shown, partition, str(data))
    try:
        return read_label(data, entry.shown, partition)
    except Exception as error:  # noqa: BLE001 (goes to the log there)
        tell_unexpected(error, entry.shown)
        return unreadable(entry.shown, partition, what_was_unexpected(error), data, "unexpected")


def _fetch(share: Share, entry: Entry) -> bytes | DamagedError:
    if entry.fault:
        return DamagedError(entry.fault)
    if entry.size > LARGEST_LABEL:
        return DamagedError(f"{entry.size} bytes are more than a label file may have ({LARGEST_LABEL})")
    try:
        data = share.read(entry.path)
    except DamagedError as error:
        return error
    except FileNotFoundError as error:
        raise PipelineError(
            "a label file vanished while labels were read",
            where=share.full_path(entry.path),
            remedy="Run the same command again.",
        ) from error
    demand_all(share, entry, len(data))
    return data


def demand_all(share: Share, entry: Entry, came: int) -> None:
    """Raise a PipelineError if a label file gave another number of bytes than it was listed with."""
    if entry.size and came != entry.size:
        raise PipelineError(
            f"a label file changed while labels were read ({came} bytes came, {entry.size} were listed)",
            where=share.full_path(entry.path),
            remedy="Run the same command again, once nothing is being written there.",
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Words are many and in no cycles: looking for some costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
