"""Pages and lookup -> ``<dataset>_annotations_<split>`` as LMDB or JSONL, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import msgspec

from ocr_pipeline.annotations.crops import JPEG_QUALITY, crop_page
from ocr_pipeline.annotations.formats import CROPS, SAMPLES, read_shard, write_jsonl, write_lmdb
from ocr_pipeline.datasets import SourcePartition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.lookup import load_lookup
from ocr_pipeline.merged_json import read_pages
from ocr_pipeline.page import Page, nfc
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.manifest import (
    Input,
    Manifest,
    fingerprint_of,
    manifest_path,
    quarantine_path,
    read_manifest,
    upstream,
    write_manifest,
)
from ocr_pipeline.storage.quarantine import Counts, Quarantined, write_quarantine
from ocr_pipeline.storage.shards import (
    Shard,
    build_missing,
    forget_others,
    shard_counts,
    shard_quarantine,
)
from ocr_pipeline.storage.share import Share
from ocr_pipeline.storage.workspace import Workspace

CODE_VERSION = "1"
SHARD_SIZE = 250

OutputFormat = Literal["jsonl", "lmdb"]


@dataclass(frozen=True)
class AnnotationSettings:
    """What the user chooses.

    Attributes:
        output_format: ``FAST_OUTPUT_FORMAT`` of the guide.
        max_pages: only the first pages of each split (``FAST_MAX_SAMPLES``), for a trial.
    """

    output_format: OutputFormat = "lmdb"
    max_pages: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], default: OutputFormat = "jsonl") -> AnnotationSettings:
        """Settings from the guide's variables.

        Raises:
            PipelineError: a value is none of those the guide names.
        """
        chosen = environment.get("FAST_OUTPUT_FORMAT", default).lower()
        if chosen not in get_args(OutputFormat):
            raise PipelineError(
                f"{chosen!r} is no output format", where="FAST_OUTPUT_FORMAT", remedy="Set it to jsonl or lmdb."
            )
        limit = environment.get("FAST_MAX_SAMPLES", "")
        if limit and not limit.isdecimal():
            raise PipelineError(f"{limit!r} is no number", where="FAST_MAX_SAMPLES", remedy="Set a number of pages.")
        return cls(chosen, int(limit) if limit else None)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Pages:
    """The work of one shard: some pages, each with the path of its picture or the reason why there is none."""

    pages: tuple[tuple[Page, str | Quarantined], ...]


def build_annotations(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: AnnotationSettings,
    *,
    workers: int | None = None,
) -> list[Manifest]:
    """Publish the crops and labels of one partition, one artifact per split; does only what is missing or changed.

    Raises:
        PipelineError: an input is not published, or the output cannot be written.
    """
    lookup = load_lookup(workspace, partition)
    inputs = [
        upstream("merged_json", workspace.merged_json(partition.key)),
        upstream("lookup", workspace.lookup(partition.key)),
    ]
    manifests = []
    for split in partition.splits:
        target = workspace.annotations(partition.dataset.name, split, settings.output_format)
        recorded = {"jpeg_quality": JPEG_QUALITY, "max_pages": settings.max_pages}
        published = read_manifest(target)
        if published is None or not published.made_from(CODE_VERSION, recorded, inputs):
            pages = (
                page for page in read_pages(workspace.merged_json(partition.key), partition) if page.split == split
            )
            found = ((page, lookup.find(page)) for page in islice(pages, settings.max_pages))
            store = workspace.shards(target)
            folders = _build_shards(share, store, found, inputs, f"{partition.key} {split}", workers)
            published = _publish(target, workspace.crops(partition.dataset.name, split), folders, settings)
            published = msgspec.structs.replace(published, partition=partition.key, settings=recorded, inputs=inputs)
            write_manifest(target, published)
            forget_others(store, folders)
        manifests.append(published)
    return manifests


def _build_shards(
    share: Share,
    store: Path,
    found: Iterator[tuple[Page, str | Quarantined]],
    inputs: list[Input],
    what: str,
    workers: int | None,
) -> list[Path]:
    workers = workers or os.cpu_count() or 1
    progress = Progress(f"annotations {what}", "pages")
    with ThreadPoolExecutor(workers) as executor:
        return build_missing(
            store,
            _shards(found, inputs[1].fingerprint),
            partial(_crop_shard, share),
            executor,
            workers,
            lambda job: progress.advance(len(job.pages)),
        )


def _shards(found: Iterator[tuple[Page, str | Quarantined]], lookup: str) -> Iterator[Shard[_Pages]]:
    while part := tuple(islice(found, SHARD_SIZE)):
        yield Shard(fingerprint_of([CODE_VERSION, lookup, *(msgspec.json.encode(pair) for pair in part)]), _Pages(part))


def _crop_shard(share: Share, job: _Pages, draft: Path) -> tuple[Counts, list[Quarantined]]:
    counts, quarantined = Counts(), []
    encoder = msgspec.json.Encoder()
    with (draft / SAMPLES).open("wb") as lines, (draft / CROPS).open("wb") as crops:
        for page, found in job.pages:
            counts.pages_in += 1
            counts.words_in += len(page.words)
            for result in _crops(share, page, found):
                if isinstance(result, Quarantined):
                    counts.set_aside(result)
                    quarantined.append(result)
                else:
                    sample, crop = result
                    counts.words_out += 1
                    lines.write(encoder.encode(sample) + b"\n")
                    crops.write(crop)
    counts.pages_out = counts.pages_in - counts.pages_quarantined
    return counts, quarantined


def _crops(share: Share, page: Page, found: str | Quarantined) -> Iterator:
    if isinstance(found, Quarantined):
        return iter((found,))
    path = share.below_root(found)
    return crop_page(page, nfc(path.rpartition("/")[0]), partial(share.read, path))


def _publish(target: Path, crops: Path, folders: list[Path], settings: AnnotationSettings) -> Manifest:
    samples = (pair for folder in folders for pair in read_shard(folder))
    # Without its manifest the artifact counts as missing while crops are being replaced.
    manifest_path(target).unlink(missing_ok=True)
    if settings.output_format == "lmdb":
        write_lmdb(target, samples)
    else:
        write_jsonl(target, crops, samples)
    write_quarantine(quarantine_path(target), shard_quarantine(folders))
    return Manifest(
        stage="annotations",
        partition="",
        code_version=CODE_VERSION,
        settings={},
        inputs=[],
        fingerprint=fingerprint_of([settings.output_format, *(folder.name for folder in folders)]),
        counts=shard_counts(folders),
    )
