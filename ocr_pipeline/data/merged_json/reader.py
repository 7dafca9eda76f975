"""Pages out of any merged JSON: ours, the original of Text in the wild, and the shapes of earlier scripts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ocr_pipeline.data.corrections import NONE
from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.merged_json.format import is_merged_json, read_lines
from ocr_pipeline.data.merged_json.legacy import read_legacy
from ocr_pipeline.data.merged_json.lineage import traces_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.artifacts.quarantine import Counts

_PIECE = 1 << 20


def read_pages(path: Path, partition: SourcePartition) -> Iterator[Page]:
    """The pages of a partition, in their order.

    Raises:
        PipelineError: there is no merged JSON, or it is damaged.
    """
    if not path.exists():
        raise PipelineError(
            "there is no merged JSON",
            where=path,
            remedy=f"Run `ocr-pipeline merge --partition {partition.key}` or materialise merged_json first.",
        )
    if is_merged_json(path):
        yield from read_lines(path)
        return
    try:
        for parsed in read_foreign(path, partition, path.name):
            yield from parsed.pages
    except LabelError as error:
        raise PipelineError(
            f"the merged JSON cannot be read ({error})", where=path, remedy="Delete it and materialise it again."
        ) from error


def count_merged_json(made: Publication, path: Path, partition: SourcePartition) -> None:
    """Count the pages and words of a merged JSON, whoever made it, and set aside what cannot be used.

    Raises:
        PipelineError: it is damaged, or no merged JSON.
    """
    seen = set[int]()
    progress = Progress(f"counting {path.name}", "pages")
    try:
        for part in _parsed(path, partition):
            made.add(part.counts, part.quarantined)
            for trace in traces_of(part.pages, NONE):
                made.trace(trace)
            for name in (hash((page.label, page.image)) for page in part.pages):
                made.counts.note("pages_twice", int(name in seen))
                seen.add(name)
            progress.advance(len(part.pages))
    except LabelError as error:
        raise PipelineError(
            f"this is no merged JSON ({error})", where=path, remedy="Move it away and run the same command again."
        ) from error


def _parsed(path: Path, partition: SourcePartition) -> Iterator[Parsed]:
    if not is_merged_json(path):
        yield from read_foreign(path, partition, path.name)
        return
    for page in read_lines(path):
        words = len(page.words)
        yield Parsed([page], [], Counts(pages_in=1, pages_out=1, words_in=words, words_out=words))


def read_foreign(path: Path, partition: SourcePartition, label: str) -> Iterator[Parsed]:
    """Pages of a document that is not ours, and what is set aside on the way.

    Args:
        label: what stands for the document in records.

    Raises:
        LabelError: it is of no known shape.
    """
    pieces = partial(file_pieces, path)
    if partition.split is None:
        return partition.dataset.read_whole(pieces, label)
    return read_legacy(pieces, partition, label)


def file_pieces(path: Path) -> Iterator[bytes]:
    """A file on disk, in pieces."""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            yield piece
