"""Merged files that other programs left in the workspace: counted and taken over as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.data.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.data.merged_json.format import is_merged_json, read_lines
from ocr_pipeline.data.merged_json.reader import read_foreign
from ocr_pipeline.data.merged_json.whole import count
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import ADOPTED, Input, Manifest, quarantine_path, write_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import write_quarantine
from ocr_pipeline.storage.files.fingerprints import fingerprint_file


def adopt_merged(target: Path, partition: SourcePartition, code_version: str, labels: Input) -> Manifest:
    """Give a merged JSON without manifest its counts, its quarantine and a manifest; the file stays as it is.

    Args:
        labels: the label files on the share that it stands beside.

    Raises:
        PipelineError: it cannot be read as one.
    """
    counts = Counts()
    try:
        write_quarantine(quarantine_path(target), count(_parsed(target, partition), counts))
    except LabelError as error:
        raise PipelineError(
            f"a file stands where the merged JSON belongs, but it is none ({error})",
            where=target,
            remedy="Move it away and run the same command again.",
        ) from error
    fingerprint = fingerprint_file(target)
    inputs = [Input(ADOPTED, fingerprint), labels]
    manifest = Manifest(
        stage="merged_json",
        partition=partition.key,
        code_version=code_version,
        settings={},
        inputs=inputs,
        fingerprint=fingerprint,
        counts=counts,
    )
    write_manifest(target, manifest)
    return manifest


def _parsed(target: Path, partition: SourcePartition) -> Iterator[Parsed]:
    if not is_merged_json(target):
        yield from read_foreign(target, partition, target.name)
        return
    for page in read_lines(target):
        words = len(page.words)
        yield Parsed([page], [], Counts(pages_in=1, pages_out=1, words_in=words, words_out=words))
