"""Label files on the share -> ``<dataset>_<split>_merged.json``, shard by shard."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from ocr_pipeline.data.corrections import read_corrections
from ocr_pipeline.data.datasets import SourcePartition, demand_a_set, demand_apart
from ocr_pipeline.data.merged_json.format import is_merged_json, write_document
from ocr_pipeline.data.merged_json.label_shards import (
    CODE_VERSION,
    DIGEST,
    PAGES,
    LabelFiles,
    fill_shard,
    homeless,
    label_shards,
)
from ocr_pipeline.data.merged_json.reader import count_merged_json
from ocr_pipeline.data.merged_json.single_file import publish_single_file
from ocr_pipeline.parallel import worker_processes
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.lineage import has_traces, traces_in
from ocr_pipeline.storage.artifacts.manifest import ADOPTED, Input, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.renewal import USUAL, Renewal
from ocr_pipeline.storage.artifacts.shards import Shard, built, forget_others, is_whole, shard_counts, shard_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.source.share import Listing, Share

logger = logging.getLogger(__name__)

_FEW = 4000


def merge_labels(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    *,
    workers: int = 2,
    renewal: Renewal = USUAL,
) -> Manifest:
    """Publish the merged JSON of one partition; does only what is missing or whose label files changed.

    What was adopted stands until the label files on the share change, or ``renewal`` asks for a new one. A data set
    that is not on the share gives a document without pages, unless a merged JSON is already there: one of an earlier
    script is then adopted as it stands. An earlier file that has to make room is put aside as ``.earlier``.

    What people said of the labels (``corrections/``) is applied wherever a label still is as they saw it; what was
    adopted has to be made anew for that. A correction that no longer holds is set aside.

    Args:
        renewal: whether it is made anew where nothing changed, as long as there are labels, and what it may lose.

    Raises:
        PipelineError: the share is not there, the labels of a set that comes as one file cannot be read, more is lost
            than may be, or the output cannot be written.
    """
    share.check()
    if not partition.dataset.is_drawn:
        demand_apart(share, workspace.root)
    target = workspace.merged_json(partition.key)
    folders = list(partition.label_folders(share))
    published = read_manifest(target)
    corrections = read_corrections(workspace, partition.key)
    if published and published.adopted and not folders:
        if corrections:
            logger.warning("%s was adopted, and without its labels on the share no corrections are applied", target)
        return published
    if not folders and (published or not target.exists()):
        demand_a_set(share)
    with publication(
        target,
        stage="merged_json",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings={},
        inputs=[label_input(folders), *corrections.inputs],
        renewal=renewal.also(bool(corrections and published and published.adopted)),
    ) as made:
        if made.current is None:
            if target.exists() and published is None and not folders:
                _take_over(made, partition)
            elif partition.split is None:
                publish_single_file(made, share, folders, partition, corrections)
            else:
                store, jobs = workspace.shards(target), label_shards(share, partition, folders, corrections)
                _publish_shards(made, jobs, sum(map(len, folders)), store, partition, workers)
                made.add(*homeless(partition, folders, corrections))
    return made.manifest


def _take_over(made: Publication, partition: SourcePartition) -> None:
    """Count a merged JSON that stands in its place without a manifest; the file stays as it is."""
    count_merged_json(made, made.artifact, partition)
    made.fingerprint = fingerprint_file(made.artifact)
    made.inputs = [Input(ADOPTED, made.fingerprint), *made.inputs]


def label_input(folders: Iterable[Listing]) -> Input:
    """The label files as an input: their names, sizes and times."""
    return Input("labels", fingerprint_of(folder.fingerprint for folder in folders))


def _publish_shards(
    made: Publication,
    jobs: Iterable[Shard[LabelFiles]],
    files: int,
    store: Path,
    partition: SourcePartition,
    workers: int,
) -> None:
    progress = Progress(f"merged_json {partition.key}", "label files", files)
    shards: list[Path] = []

    def parts(executor: Executor | None) -> Iterator[Path]:
        done = partial(_advance, progress)
        made_of = built(store, jobs, fill_shard, executor, workers, done, rebuild=made.rebuild, is_there=_is_there)
        for shard in made_of:
            shards.append(shard)
            yield shard / PAGES

    # A parser holds the interpreter lock, so only processes help; a few thousand files are read before they start.
    with worker_processes(workers if files > _FEW else 1) as executor, made.file() as draft:
        with draft.open("wb") as file:
            write_document(file, partition.key, parts(executor))
        made.add(shard_counts(shards), shard_quarantine(shards))
        if made.artifact.exists() and not is_merged_json(made.artifact):  # adopted where it lay
            made.keep_earlier()
    made.fingerprint = fingerprint_of((shard / DIGEST).read_text() for shard in shards)
    for shard in shards:
        for trace in traces_in(shard):
            made.trace(trace)
    forget_others(store, shards)


def _is_there(shard: Path) -> bool:
    return is_whole(shard) and has_traces(shard)


def _advance(progress: Progress, job: LabelFiles) -> None:
    progress.advance(len(job))
