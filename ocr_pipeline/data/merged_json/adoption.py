"""Merged files that other programs left in the workspace: counted and taken over as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.merged_json.format import is_merged_json, read_lines
from ocr_pipeline.data.merged_json.reader import read_foreign
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import ADOPTED, Input
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_file


def take_over(made: Publication, partition: SourcePartition) -> None:
    """Count a merged JSON that stands in its place without a manifest; the file stays as it is.

    Raises:
        PipelineError: it cannot be read as one.
    """
    target = made.artifact
    try:
        for part in _parsed(target, partition):
            made.add(part.counts, part.quarantined)
    except LabelError as error:
        raise PipelineError(
            f"a file stands where the merged JSON belongs, but it is none ({error})",
            where=target,
            remedy="Move it away and run the same command again.",
        ) from error
    made.fingerprint = fingerprint_file(target)
    made.inputs = [Input(ADOPTED, made.fingerprint), *made.inputs]


def _parsed(target: Path, partition: SourcePartition) -> Iterator[Parsed]:
    if not is_merged_json(target):
        yield from read_foreign(target, partition, target.name)
        return
    for page in read_lines(target):
        words = len(page.words)
        yield Parsed([page], [], Counts(pages_in=1, pages_out=1, words_in=words, words_out=words))
