"""A data set that comes as one label file: published as it came, byte for byte, once it has proved readable.

With corrections it is published in the form of the other sets, for then it is no more what came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ocr_pipeline.data.corrections import NONE, Corrections, apply_corrections
from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.merged_json.format import LINE_END, write_document
from ocr_pipeline.data.merged_json.label_shards import demand_all
from ocr_pipeline.data.merged_json.lineage import traces_of
from ocr_pipeline.data.merged_json.reader import read_foreign
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.source.share import DamagedError, Entry, Listing, Share

_EMPTY = b'{"images":[],"annotations":[]}'


def publish_single_file(
    made: Publication,
    share: Share,
    folders: Sequence[Listing],
    partition: SourcePartition,
    corrections: Corrections = NONE,
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
        name = made.artifact.name
        parts = read_foreign(draft, partition, name if corrections else label)
        for part in _corrected(draft, name, parts, partition, corrections) if corrections else parts:
            made.add(part.counts, part.quarantined)
            as_read = (msgspec.structs.replace(page, label=name) for page in part.pages)
            for trace in traces_of(as_read, corrections, part.quarantined):
                made.trace(trace)
        made.fingerprint = fingerprint_file(draft)


def _corrected(
    draft: Path, label: str, parts: Iterator[Parsed], partition: SourcePartition, corrections: Corrections
) -> Iterator[Parsed]:
    """The same corrected, and in the end a document of them in the place of the draft.

    Args:
        label: what the pages name as their label: the artifact, as those do that are read from it as it came.
    """
    lines = draft.with_name(f"{draft.name}.lines")
    encode = msgspec.json.Encoder().encode
    try:
        with lines.open("wb") as file:
            for part in apply_corrections(parts, label, corrections):
                file.writelines(encode(page) + LINE_END for page in part.pages)
                yield part
        with draft.open("wb") as file:
            write_document(file, partition.key, [lines])
    finally:
        lines.unlink(missing_ok=True)


def _pieces(share: Share, entry: Entry) -> Iterator[bytes]:
    if entry.fault:
        raise DamagedError(entry.fault)
    came = 0
    for piece in share.read_pieces(entry.path):
        came += len(piece)
        yield piece
    demand_all(share, entry, came)


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
