"""Label files on the share -> ``<dataset>_<split>_merged.json``, shard by shard."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from ocr_pipeline.datasets import SourcePartition, source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.merged_json.format import write_lines
from ocr_pipeline.merged_json.labels import read_label
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.manifest import (
    Input,
    Manifest,
    fingerprint_file,
    fingerprint_of,
    quarantine_path,
    read_manifest,
    write_manifest,
)
from ocr_pipeline.storage.publishing import publish_file
from ocr_pipeline.storage.quarantine import Counts, Quarantined, write_quarantine
from ocr_pipeline.storage.shards import (
    Shard,
    build_missing,
    forget_others,
    shard_counts,
    shard_quarantine,
)
from ocr_pipeline.storage.share import Entry, Share
from ocr_pipeline.storage.workspace import Workspace

CODE_VERSION = "1"
SHARD_SIZE = 2000
_FEW = 4000
_PAGES = "pages.jsonl"


@dataclass(frozen=True)
class _LabelFiles:
    """The work of one shard: some label files of one folder."""

    share: str
    partition: str
    labels: tuple[Entry, ...]


def merge_labels(share: Share, partition: SourcePartition, workspace: Workspace, *, workers: int = 2) -> Manifest:
    """Publish the merged JSON of one partition; does only what is missing or whose label files changed.

    A data set that is not on the share gives a document without pages.

    Raises:
        PipelineError: the share is not there, or the output cannot be written.
    """
    share.check()
    target = workspace.merged_json(partition.key)
    labels = list(partition.labels(share))
    if partition.split is None and len(labels) > 1:
        raise PipelineError(
            "a set that comes as one label file has several",
            where=", ".join(label.shown for label in labels),
            remedy="Leave the one that is right on the share.",
        )
    inputs = [label_input(labels)]
    published = read_manifest(target)
    if published and published.made_from(CODE_VERSION, {}, inputs):
        return published
    store = workspace.shards(target)
    shards = (_shard(share, partition, part) for part in _parts(labels))
    progress = Progress(f"merged_json {partition.key}", "label files", len(labels))
    with _executor(len(labels), workers) as executor:
        folders = build_missing(
            store, shards, _merge_shard, executor, workers, lambda job: progress.advance(len(job.labels))
        )
    if partition.split is None:
        _copy_original(share, labels, target)
    else:
        _join(folders, target, partition.key)
    write_quarantine(quarantine_path(target), shard_quarantine(folders))
    manifest = Manifest(
        stage="merged_json",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings={},
        inputs=inputs,
        fingerprint=fingerprint_file(target),
        counts=shard_counts(folders),
    )
    write_manifest(target, manifest)
    forget_others(store, folders)
    return manifest


def label_input(labels: Iterable[Entry]) -> Input:
    """The label files as an input: their names, sizes and times."""
    return Input("labels", fingerprint_of(map(_stamp, labels)))


def _stamp(label: Entry) -> str:
    return f"{label.shown}\t{label.size}\t{label.version}"


def _parts(labels: list[Entry]) -> Iterator[tuple[Entry, ...]]:
    """Label files by folder, at most `SHARD_SIZE` together: a new delivery touches only its own folders."""
    for _, entries in groupby(labels, key=lambda label: label.folder):
        part = tuple(entries)
        yield from (part[start : start + SHARD_SIZE] for start in range(0, len(part), SHARD_SIZE))


def _shard(share: Share, partition: SourcePartition, labels: tuple[Entry, ...]) -> Shard[_LabelFiles]:
    fingerprint = fingerprint_of([CODE_VERSION, partition.key, *map(_stamp, labels)])
    return Shard(fingerprint, _LabelFiles(share.root, partition.key, labels))


def _executor(files: int, workers: int) -> Executor:
    # A parser holds the interpreter lock, so only processes help; a few thousand files are read before they start.
    if workers <= 1 or files <= _FEW:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def _merge_shard(job: _LabelFiles, draft: Path) -> tuple[Counts, list[Quarantined]]:
    share, partition = Share(job.share), source_partition(job.partition)
    counts, quarantined = Counts(), []
    encoder = msgspec.json.Encoder()
    with (draft / _PAGES).open("wb") as file:
        for entry in job.labels:
            parsed = read_label(_read(share, entry), entry.shown, partition)
            for page in parsed.pages:
                file.write(encoder.encode(page) + b"\n")
            counts = counts + parsed.counts
            quarantined += parsed.quarantined
    return counts, quarantined


def _read(share: Share, entry: Entry) -> bytes:
    try:
        return share.read(entry.path)
    except FileNotFoundError as error:
        raise PipelineError(
            "a label file vanished while labels were read",
            where=share.full_path(entry.path),
            remedy="Run the same command again.",
        ) from error


def _join(folders: list[Path], target: Path, partition: str) -> None:
    with publish_file(target) as draft, draft.open("wb") as file:
        write_lines(file, partition, (line for folder in folders for line in _lines(folder / _PAGES)))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def _copy_original(share: Share, labels: list[Entry], target: Path) -> None:
    """A set that comes as one file keeps it, byte for byte; without the set, an empty one stands in."""
    empty = b'{"images":[],"annotations":[]}'
    with publish_file(target) as draft:
        draft.write_bytes(share.read(labels[0].path) if labels else empty)
