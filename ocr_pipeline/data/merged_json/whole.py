"""A data set that comes as one label file: published as it came, byte for byte, once it has proved readable."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.merged_json.reader import read_foreign
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import quarantine_path, retire
from ocr_pipeline.storage.artifacts.quarantine import Counts, Quarantined
from ocr_pipeline.storage.artifacts.quarantine_files import write_quarantine
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.files.publishing import publish_file
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

_EMPTY = b'{"images":[],"annotations":[]}'


def publish_whole(
    share: Share, folders: Sequence[Listing], target: Path, partition: SourcePartition
) -> tuple[str, Counts]:
    """Copy the label file; without one, an empty document stands in.

    Returns:
        The fingerprint of the copy, and the counts of what it holds.

    Raises:
        PipelineError: there are several, or it cannot be read; what was published before stays.
    """
    entries = [entry for folder in folders for entry in folder.entries()]
    if len(entries) > 1:
        raise PipelineError(
            "a set that comes as one label file has several",
            where=", ".join(entry.shown for entry in entries),
            remedy="Leave the one that is right on the share.",
        )
    where = share.full_path(entries[0].path) if entries else ""
    label = entries[0].shown if entries else target.name
    counts = Counts()
    with publish_file(target) as draft, _readable(where):
        with draft.open("wb") as file:
            file.writelines(_pieces(share, entries[0]) if entries else (_EMPTY,))
        write_quarantine(quarantine_path(target), count(read_foreign(draft, partition, label), counts))
        fingerprint = fingerprint_file(draft)
        retire(target)
    return fingerprint, counts


def count(parsed: Iterable[Parsed], total: Counts) -> Iterator[Quarantined]:
    """What was set aside; everything is counted on the way."""
    for part in parsed:
        yield from part.quarantined
        total.pages_in += part.counts.pages_in
        total.pages_out += part.counts.pages_out
        total.words_in += part.counts.words_in
        total.words_out += part.counts.words_out
        for name, number in part.counts.notes.items():
            total.note(name, number)
        for record in part.quarantined:
            total.set_aside(record)


def _pieces(share: Share, entry: Entry) -> Iterator[bytes]:
    if entry.fault:
        raise DamagedError(entry.fault)
    return share.read_pieces(entry.path)


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (LabelError, DamagedError) as error:
        raise PipelineError(
            f"the label file of the set cannot be read ({error})",
            where=where,
            remedy="Download it again; what is already published stays valid.",
        ) from error
    except FileNotFoundError as error:
        raise PipelineError(
            "the label file vanished while it was read", where=where, remedy="Run the same command again."
        ) from error
