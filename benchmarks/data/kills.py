"""Kill -9 at random moments, again and again: does every stage still end in the bytes of an undisturbed run?

    python -m benchmarks.data.kills [KILLS] [STAGE ...]

Each stage (merge and lookup, annotations as LMDB, annotations as JSONL, layout) runs in a process of its own with
worker processes and threads. It is killed at a random moment of its running time, with its workers or without them,
started again, killed again; every few kills it may end, and its artifacts are compared, byte by byte, with those of a
run that nobody disturbed. No worker may be left ten seconds after a kill.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from benchmarks.data.crops_lmdb import PARTITION
from benchmarks.data.pages import write_share
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.annotations import stage as annotations_stage
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import label_shards, merge_labels
from ocr_pipeline.data.merged_json import stage as merge_stage
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

STAGES = ("merge", "lmdb", "jsonl", "layout")
_IN_A_ROW = 5
_LAST_WORDS = 10.0

_MADE = {  # artifacts and shards
    "merge": (("json_merged", "lookup"), "*_merged.json"),
    "lookup": (("lookup",), "none"),
    "lmdb": (("*_annotations_*.lmdb*",), "*_annotations_*.lmdb"),
    "jsonl": (("crops", "*_annotations_*.jsonl*"), "*_annotations_*.jsonl"),
    "layout": (("*_layout.lmdb*",), "none"),
}

_processes = multiprocessing.get_context("forkserver")  # a process that has everything imported is cheap to kill


def main(kills: int = 50, *stages: str) -> None:
    """Kill each stage ``kills`` times and report; exit code 1 if a byte differs.

    Args:
        stages: of `STAGES`; all by default. What comes before a stage is made without a kill.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_share(root / "share", pages=48, distinct=12)
        made_by = annotations_stage.__name__, merge_stage.__name__, build_lookup.__module__, build_layouts.__module__
        _processes.set_forkserver_preload([*made_by])
        _run(root, "merge")
        failures = sum(not _survives(root, stage, kills) for stage in stages or STAGES)
    sys.exit(min(failures, 1))


def _survives(root: Path, stage: str, kills: int) -> bool:
    workspace = root / "out"
    forget(workspace, stage)
    _run(root, stage)
    calm, chance = artifacts(workspace), random.Random(stage)
    forget(workspace, stage)
    seconds = _run(root, stage)  # the first one also loads what others find loaded
    killed = compared = same = 0
    while killed < kills:
        forget(workspace, stage)
        for _ in range(_IN_A_ROW):
            killed += _killed(root, stage, chance.uniform(0, seconds), chance.choice((os.kill, os.killpg)))
        _run(root, stage)
        compared += 1
        same += artifacts(workspace) == calm
    sys.stdout.write(
        f"{stage:6}: {killed} kills within {seconds:.2f} s of work, {compared} runs to the end, "
        f"{same} of them byte-identical to the undisturbed run ({len(calm)} files)\n"
    )
    return compared == same


def artifacts(workspace: Path) -> dict[str, str]:
    """The digest of every published file; drafts and leftovers of interrupted work included, so that they show."""
    return dict(_digests(workspace))


def _digests(workspace: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(workspace.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(workspace)), hashlib.sha256(path.read_bytes()).hexdigest()


def forget(workspace: Path, stage: str) -> None:
    """Remove what the stage has made; what comes before it stays."""
    names, parts = _MADE[stage]
    made = [path for name in names for path in workspace.glob(name)]
    for path in [*made, *(workspace / ".shards").glob(parts)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _work(root: Path, stage: str, ready: Connection) -> None:
    """The stage in small shards, in a process group of its own."""
    os.setsid()
    annotations_stage.SHARD_SIZE, label_shards.SHARD_SIZE, merge_stage._FEW = 4, 8, 0
    share, workspace = Share(root / "share"), Workspace(root / "out")
    ready.send(True)
    if stage == "merge":
        merge_labels(share, PARTITION, workspace, workers=2)
        build_lookup(share, PARTITION, workspace)
    elif stage == "layout":
        build_layouts(share, PARTITION, workspace, LayoutSettings(), crew=Processes(2))
    else:
        build_annotations(share, PARTITION, workspace, AnnotationSettings(stage), crew=Processes(2))  # type: ignore[arg-type]


def _start(root: Path, stage: str) -> ForkServerProcess:
    told, ready = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_work, args=(root, stage, ready))
    process.start()
    told.recv()
    return process


def _run(root: Path, stage: str) -> float:
    process, start = _start(root, stage), time.monotonic()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"{stage} failed")
    return time.monotonic() - start


def _killed(root: Path, stage: str, after: float, kill: Callable[[int, int], None]) -> bool:
    """Start the stage and kill it after so many seconds, alone or with its workers; False if it ended before."""
    process = _start(root, stage)
    process.join(after)
    if process.exitcode is None:
        kill(process.pid, signal.SIGKILL)
        process.join()
        _demand_nobody_left(process.pid)
    return process.exitcode == -signal.SIGKILL


def _demand_nobody_left(group: int) -> None:
    """Wait until all processes of a group have ended."""
    until = time.monotonic() + _LAST_WORDS
    while left := [path.name for path in Path("/proc").glob("[0-9]*") if _is_of(path, group)]:
        if time.monotonic() > until:
            raise RuntimeError(f"{left} are still there {_LAST_WORDS:.0f} s after the kill")
        time.sleep(0.05)


def _is_of(process: Path, group: int) -> bool:
    try:
        state, _, its_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" and int(its_group) == group


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
