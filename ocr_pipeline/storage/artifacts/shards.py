"""Shards: the parts of a partition that are finished one by one, so that a kill costs only the unfinished one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ocr_pipeline.page import Quarantined
from ocr_pipeline.parallel import in_order
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.files.publishing import publish_folder

Job = TypeVar("Job")
Fill = Callable[[Job, Path], tuple[Counts, list[Quarantined]]]
"""Does the work of a shard in an empty folder; gives its counts, and what it set aside."""

_QUARANTINE, _COUNTS = "quarantine.jsonl", "counts.json"


@dataclass(frozen=True)
class Shard(Generic[Job]):
    """One part of a partition: its work and the fingerprint of all that decides the result."""

    fingerprint: str
    job: Job


def build_shard(folder: Path, fill: Fill[Job], job: Job) -> None:
    """Publish one shard folder: what ``fill`` writes into it, its counts and its quarantine."""
    with publish_folder(folder) as draft:
        counts, quarantined = fill(job, draft)
        encode = msgspec.json.encode
        (draft / _QUARANTINE).write_bytes(b"".join(encode(record) + b"\n" for record in quarantined))
        (draft / _COUNTS).write_bytes(encode(counts))


def built(
    store: Path,
    shards: Iterable[Shard[Job]],
    fill: Fill[Job],
    executor: Executor | None,
    workers: int,
    on_shard: Callable[[Job], None] = lambda job: None,
) -> Iterator[Path]:
    """The folders of all shards, in their order, each once it is finished; the first error ends the work.

    Those that are not there yet are built ahead; what is published stays whatever happens. Only a few more than there
    are workers are held at a time, so ``shards`` may be a generator over more than fits into memory.
    """
    tasks = ((task, None if task[0].exists() else task) for task in ((store / s.fingerprint, s.job) for s in shards))
    with closing(in_order(executor, partial(_build, fill), tasks, 2 * workers + 1)) as finished:
        for (folder, job), _ in finished:
            on_shard(job)
            yield folder


def _build(fill: Fill[Job], task: tuple[Path, Job]) -> None:
    folder, job = task
    build_shard(folder, fill, job)


def shard_counts(folders: Iterable[Path]) -> Counts:
    """The counts of all shards together."""
    total = Counts()
    for folder in folders:
        total = total + msgspec.json.decode((folder / _COUNTS).read_bytes(), type=Counts)
    return total


def shard_quarantine(folders: Iterable[Path]) -> Iterator[Quarantined]:
    """The quarantine of all shards, in their order."""
    for folder in folders:
        yield from read_quarantine(folder / _QUARANTINE)


def forget_others(store: Path, folders: Iterable[Path]) -> None:
    """Remove the shards of earlier inputs; call it after the artifact is published."""
    current = set(folders)
    for folder in store.iterdir() if store.exists() else ():
        if folder not in current:
            shutil.rmtree(folder)
