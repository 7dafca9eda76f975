"""Where the kills take place: the share, the home, the daemon, and the processes that may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from benchmarks.orchestration.kills_digest import digest
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
PAGES = {"public_admin_train": 3, "public_admin_valid": 2}
_MARK = "KILLS_ARENA"
_UNDER_WAY = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
_RECIPE = {
    "fast_checkpoint": {
        "config": "narrow_demo.yaml",
        "options": {"max_steps": 12, "save_every_steps": 3, "val_every_steps": 6, "img_size": 128, "num_workers": 0,
                    "val_num_workers": 0, "num_threads": 1},
    },
    "dlora_checkpoint": {
        "model_name_or_path": str(TINY_KOREAN),
        "options": {"max_steps": 6, "save_steps": 2, "eval_steps": 3, "eval_samples": 8,
                    "per_device_train_batch_size": 4},
    },
}  # fmt: skip
_OWNER = re.compile(r'ocr_pipeline\.leases\.keeper.*"owner": "(\S+) (\S+)"')
_PATTERNS = {
    "code server": re.compile(r"dagster\S* (api grpc|code-server)"),
    "daemon": re.compile(r"dagster\._daemon"),
    "run": re.compile(r"multiprocessing\.(spawn|forkserver) import spawn_main|api execute_run"),
}
_CLI = "import sys; sys.argv[0] = 'ocr-pipeline'; from ocr_pipeline.cli import main; main()"
_WANTED = [word for partition in PAGES for word in ("--partition", partition)]


@dataclass(frozen=True)
class Victim:
    """A process, and the (run, step) that die with it."""

    pid: int
    steps: tuple[tuple[str, str], ...] = ()

    def kill(self) -> bool:
        """Whether it was still there."""
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> bool:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


class Arena:
    """All of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.share = folder, folder / "home", folder / "share"
        self.output, self.leases = folder / "output", folder / "leases"
        self.workspace = Workspace(self.output)
        self.environment = {
            **os.environ,
            _MARK: str(folder),
            "DAGSTER_HOME": str(self.home),
            "OCR_PIPELINE_SOURCE": str(self.share),
            "OCR_PIPELINE_OUTPUT": str(self.output),
            "OCR_PIPELINE_LEASES": str(self.leases),
            "OCR_PIPELINE_RECIPE": str(folder / "recipe.yaml"),
            "OCR_PIPELINE_GPUS": "",
        }

    def prepare(self) -> None:
        """Share, home and the artifacts of an undisturbed run; once for each folder."""
        if (self.folder / "reference.json").exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.make_home()
        (self.folder / "recipe.yaml").write_text(yaml.safe_dump(_RECIPE))
        write_collection(self.share, pages=PAGES, page_size=(256, 352), faults=True)
        self.run("-c", _CLI, "backfill", *_WANTED)
        self.run("-m", "dagster", "job", "execute", "-m", "ocr_pipeline.definitions", "-j", "training")
        (self.folder / "reference.json").write_text(json.dumps(digest(self.workspace), indent=1))

    def make_home(self) -> None:
        """A Dagster home without a past: a call that was interrupted left a backfill in its queue."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        shutil.copy(REPOSITORY / "dagster_local.yaml", self.home / "dagster.yaml")
        self.run("-m", "dagster", "instance", "info")
        self.run("-m", "dagster", "instance", "concurrency", "set", "gpu", "1")

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment, cwd=REPOSITORY, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{arguments} failed: {done.stderr[-2000:]}")
        return done.stdout

    @contextlib.contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            yield instance

    @contextlib.contextmanager
    def daemon(self) -> Iterator[Daemon]:
        daemon = Daemon(self)
        try:
            yield daemon
        finally:
            daemon.stop()

    # ---- work

    def clear(self, *, training: bool) -> None:
        """An empty output folder; before trainings, only what they make is removed."""
        for folder in (self.output / "fast", self.output / "dlora") if training else (self.output,):
            shutil.rmtree(folder, ignore_errors=True)

    def ask(self) -> None:
        """A backfill of all that is missing, in the daemon's queue."""
        told = self.run("-c", _CLI, "backfill", *_WANTED)
        if "is in the queue" not in told:
            raise RuntimeError(f"no daemon took the backfill: {told}")

    def train(self) -> None:
        """The training job, in the daemon's queue."""
        self.run("-m", "dagster", "job", "launch", "-w", "workspace.yaml", "-j", "training")

    def is_busy(self, instance: dg.DagsterInstance) -> bool:
        """Whether a backfill, a run, or the retry of one that is to be expected, has not ended yet."""
        runs = instance.get_runs(limit=100)
        tried_again = {run.parent_run_id for run in runs}
        awaited = [
            run for run in runs if run.tags.get("dagster/will_retry") == "true" and run.run_id not in tried_again
        ]
        backfills = instance.get_backfills(BulkActionsFilter(statuses=_UNDER_WAY), limit=1)
        return bool(backfills or awaited) or not all(run.is_finished for run in runs)

    def is_complete(self) -> bool:
        """Whether every data artifact of every partition is published."""
        return all(read_manifest(artifact) for partition in PAGES for artifact in self.artifacts(partition))

    def is_trained(self) -> bool:
        return all(map(read_manifest, (self.workspace.fast_champion, self.workspace.dlora_champion)))

    def artifacts(self, partition: str) -> list[Path]:
        name, split = partition.rsplit("_", 1)
        workspace = self.workspace
        return [
            workspace.merged_json(partition),
            workspace.lookup(partition),
            workspace.annotations(name, split, "lmdb"),
            workspace.quality(partition),
            workspace.layout_lmdb(name, split),
        ]

    # ---- processes

    def processes(self) -> dict[int, str]:
        """Command lines of all processes that carry this arena's mark, by process number."""
        found, mark = {}, f"{_MARK}={self.folder}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        text = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        found[int(entry.name)] = text
        return found

    def victims(self, kind: str) -> list[Victim]:
        """The processes of one kind, each with the steps that it takes along."""
        processes = self.processes()
        owners = {pid: (found[1], found[2]) for pid, text in processes.items() if (found := _OWNER.search(text))}
        parents = {pid: _parent(pid) for pid in processes}
        steps = {pid: owners[parent] for pid, parent in parents.items() if parent in owners}
        if kind in ("keeper", "step"):
            return [Victim(pid, (step,)) for pid, step in (owners if kind == "keeper" else steps).items()]
        if kind == "worker":
            return [Victim(pid, (steps[parent],)) for pid, parent in parents.items() if parent in steps]
        pattern = _PATTERNS[kind]
        found = [pid for pid, text in processes.items() if pattern.search(text) and parents[pid] not in steps]
        return [Victim(pid, tuple(owners[keeper] for keeper in owners if parents[keeper] == pid)) for pid in found]

    def names(self, instance: dg.DagsterInstance, steps: Iterable[tuple[str, str]]) -> list[str]:
        """``partition step`` of each (run, step)."""
        partitions = {run.run_id: run.tags.get("dagster/partition", "") for run in instance.get_runs(limit=100)}
        return [f"{partitions.get(run_id, '')} {step}" for run_id, step in steps]

    def fall(self) -> set[tuple[str, str]]:
        """Kill every process of this arena at once; returns the (run, step) that were under way."""
        for _ in range(2):  # a child of the first moment is met in the second
            for pid in self.processes():
                Victim(pid).signal(signal.SIGSTOP)
        steps = {step for victim in self.victims("keeper") for step in victim.steps}
        for pid in self.processes():
            Victim(pid).kill()
        return steps


class Daemon:
    """The daemon of an arena, in the manner of ``make ui``: the reaper first."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.start()

    def start(self) -> None:
        self.arena.run("-m", "ocr_pipeline.orchestration.upkeep.reaper")
        with (self.arena.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"],
                env=self.arena.environment, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        began = time.time()
        with self.arena.instance() as instance:
            while True:
                heartbeat = instance.get_daemon_heartbeats().get("BACKFILL")
                if heartbeat and heartbeat.timestamp > began:
                    return
                if self.process.poll() is not None:
                    raise RuntimeError("the daemon ended")
                time.sleep(0.5)

    def restart(self) -> None:
        self.process.kill()  # what was killed may have been a child of it that was just being born
        self.process.wait()
        self.start()

    def stop(self) -> None:
        """End the daemon and whatever is left of this arena."""
        self.process.terminate()
        self.process.wait()
        self.arena.fall()


def _parent(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
