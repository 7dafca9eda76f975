"""Shards: the parts of a partition that are finished one by one, so that a kill costs only the unfinished one."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Generic, TypeVar

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.parallel import in_order
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.publishing import mendable, publish_folder, take_place

Job = TypeVar("Job")
Fill = Callable[[Job, Path], tuple[Counts, list[Quarantined]]]
"""Does the work of a shard in an empty folder; gives its counts, and what it set aside."""

_QUARANTINE, _COUNTS = "quarantine.jsonl", "counts.json"
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""How a file system says that a folder, or something else, has this name."""
_PAUSES = (0.1, 1, 4, 15, 40, 0)
"""Seconds; NFS believes for up to a minute what it knows of a folder."""


class _Sealed(msgspec.Struct):
    """The last file of a shard: its counts, and a digest of them and of all other files."""

    counts: Counts
    digest: str


@dataclass(frozen=True)
class Shard(Generic[Job]):
    """One part of a partition: its work and the fingerprint of all that decides the result."""

    fingerprint: str
    job: Job


def build_shard(folder: Path, fill: Fill[Job], job: Job, *, replaces: bool = False) -> None:
    """Publish one shard folder: what ``fill`` writes into it, its counts and its quarantine.

    Others may be making the same, helpers or one that is thought to be dead and is not: each has a folder of its own to
    fill. The first one's stays, since it may be read already, unless it is damaged or not the same.

    Args:
        replaces: the one that is there goes in any case.
    """
    own = folder.with_name(f"{folder.name}.{token_hex(4)}")
    with publish_folder(own) as draft:
        counts, quarantined = fill(job, draft)
        encode = msgspec.json.encode
        (draft / _QUARANTINE).write_bytes(b"".join(encode(record) + b"\n" for record in quarantined))
        (draft / _COUNTS).write_bytes(encode(_Sealed(counts, _digest(draft, counts))))
    with mendable(folder):
        if replaces:
            take_place(own, folder)
        else:
            _settle(own, folder)


def built(
    store: Path,
    shards: Iterable[Shard[Job]],
    fill: Fill[Job],
    executor: Executor | None,
    workers: int,
    on_shard: Callable[[Job], None] = lambda job: None,
    *,
    rebuild: bool = False,
    is_there: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """The folders of all shards, in their order, each once it is finished; the first error ends the work.

    Those that are not there yet, or not whole, are built ahead; what is published stays whatever happens. Only a few
    more than there are workers are held at a time, so ``shards`` may be a generator over more than fits into memory.

    Args:
        executor: who fills them; several machines have to have the store under the same path.
        rebuild: all are built, also those that are there: what they were made of may have changed unseen.
        is_there: whether a shard need not be built; without, it is whole.

    Raises:
        PipelineError: what was built elsewhere is not seen here.
    """
    is_there = is_there or is_whole
    found = ((store / shard.fingerprint, shard.job) for shard in shards)
    tasks = ((task, None if not rebuild and is_there(task[0]) else task) for task in found)
    with closing(in_order(executor, partial(_build, fill, rebuild), tasks, 2 * workers + 1)) as finished:
        for (folder, job), _ in finished:
            _await(folder)
            on_shard(job)
            yield folder


def _build(fill: Fill[Job], rebuild: bool, task: tuple[Path, Job]) -> None:
    folder, job = task
    build_shard(folder, fill, job, replaces=rebuild)


def _settle(own: Path, folder: Path) -> None:
    try:
        own.rename(folder)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        if shard_digest(own) == shard_digest(folder) and is_whole(folder):
            shutil.rmtree(own)
        else:
            take_place(own, folder)


def _await(folder: Path) -> None:
    """Wait until this machine sees what another has published: network file systems take their time.

    Raises:
        PipelineError: it does not come.
    """
    for pause in _PAUSES:
        if (folder / _COUNTS).exists():
            return
        time.sleep(pause)
    raise PipelineError(
        "a worker has finished a shard, and it is not here",
        where=folder,
        remedy="Mount the same output folder under this path on every machine that works.",
    )


def is_whole(folder: Path) -> bool:
    """Whether a shard is there, and every byte of it as it was published."""
    sealed = _sealed(folder)
    return sealed is not None and sealed.digest == _digest(folder, sealed.counts)


def shard_digest(folder: Path) -> str:
    """The digest of all that a shard holds, as it was published; empty where there is no such shard."""
    sealed = _sealed(folder)
    return sealed.digest if sealed else ""


def _sealed(folder: Path) -> _Sealed | None:
    try:
        return msgspec.json.decode((folder / _COUNTS).read_bytes(), type=_Sealed)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _digest(folder: Path, counts: Counts) -> str:
    files = sorted(path for path in folder.iterdir() if path.name != _COUNTS)
    return fingerprint_of([msgspec.json.encode(counts), *(f"{file.name} {fingerprint_file(file)}" for file in files)])


def shard_counts(folders: Iterable[Path]) -> Counts:
    """The counts of all shards together."""
    total = Counts()
    for folder in folders:
        total += msgspec.json.decode((folder / _COUNTS).read_bytes(), type=_Sealed).counts
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
