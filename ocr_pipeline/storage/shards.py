"""Shards: the parts of a partition that are finished one by one, so that a kill costs only the unfinished one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ocr_pipeline.storage.publishing import publish_folder
from ocr_pipeline.storage.quarantine import Counts, Quarantined
from ocr_pipeline.storage.quarantine_files import read_quarantine

Job = TypeVar("Job")
_QUARANTINE, _COUNTS = "quarantine.jsonl", "counts.json"


@dataclass(frozen=True)
class Shard(Generic[Job]):
    """One part of a partition: its work and the fingerprint of all that decides the result."""

    fingerprint: str
    job: Job


def build_shard(folder: Path, fill: Callable[[Job, Path], tuple[Counts, list[Quarantined]]], job: Job) -> None:
    """Publish one shard folder: what ``fill`` writes into it, its counts and its quarantine."""
    with publish_folder(folder) as draft:
        counts, quarantined = fill(job, draft)
        encode = msgspec.json.encode
        (draft / _QUARANTINE).write_bytes(b"".join(encode(record) + b"\n" for record in quarantined))
        (draft / _COUNTS).write_bytes(encode(counts))


def build_missing(
    store: Path,
    shards: Iterable[Shard[Job]],
    fill: Callable[[Job, Path], tuple[Counts, list[Quarantined]]],
    executor: Executor,
    workers: int,
    on_shard: Callable[[Job], None] = lambda job: None,
) -> list[Path]:
    """Build the shards that are not there yet; the first error ends the work.

    Shards that are already published stay whatever happens. Only twice as many as there are workers are held at a
    time, so ``shards`` may be a generator over more than fits into memory.

    Returns:
        The folders of all shards, in their order.
    """
    folders = []
    running: dict[Future[None], Job] = {}
    try:
        for shard in shards:
            folder = store / shard.fingerprint
            folders.append(folder)
            if folder.exists():
                on_shard(shard.job)
                continue
            running[executor.submit(build_shard, folder, fill, shard.job)] = shard.job
            if len(running) >= 2 * workers:
                _settle(running, on_shard)
        while running:
            _settle(running, on_shard)
    finally:
        for future in running:
            future.cancel()
    return folders


def _settle(running: dict[Future[None], Job], on_shard: Callable[[Job], None]) -> None:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
        on_shard(running.pop(future))


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
