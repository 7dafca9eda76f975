"""A data set that comes as one label file: published as it came, byte for byte, once it has proved readable."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from ocr_pipeline.data.datasets import LabelError, SourcePartition
from ocr_pipeline.data.merged_json.reader import read_foreign
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

_EMPTY = b'{"images":[],"annotations":[]}'


def publish_single_file(
    made: Publication, share: Share, folders: Sequence[Listing], partition: SourcePartition
) -> None:
    """Copy the label file; without one, an empty document stands in.

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
    label = entries[0].shown if entries else made.artifact.name
    with made.file() as draft, _readable(where):
        with draft.open("wb") as file:
            file.writelines(_pieces(share, entries[0]) if entries else (_EMPTY,))
        for part in read_foreign(draft, partition, label):
            made.add(part.counts, part.quarantined)
        made.fingerprint = fingerprint_file(draft)


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
