"""Two runs that want the same artifact: real processes, one of them killed."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.orchestration import locks
from ocr_pipeline.orchestration.locks import holder, lease, lease_path
from ocr_pipeline.storage.manifest import manifest_path
from ocr_pipeline.storage.workspace import Workspace

HOLD = """
import sys, time
from pathlib import Path
from ocr_pipeline.orchestration.locks import lease
with lease(Path(sys.argv[1]), "the first"):
    Path(sys.argv[2]).touch()
    time.sleep(60)
"""


def start_holder(path: Path, started: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(started)])
    deadline = time.monotonic() + 60
    while not started.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_a_killed_process_loses_its_lease_to_the_one_that_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "ASK_EVERY", 0.02)
    caplog.set_level(logging.INFO, "ocr_pipeline")
    path = tmp_path / ".leases" / "layout_lmdb.handwriting_train.lock"
    process = start_holder(path, tmp_path / "started")
    told = json.loads(holder(path))
    assert (told["owner"], told["pid"]) == ("the first", process.pid)
    taken: list[str] = []

    def take() -> None:
        with lease(path, "the second"):
            taken.append(json.loads(holder(path))["owner"])

    second = threading.Thread(target=take)
    second.start()
    second.join(0.3)
    assert second.is_alive() and not taken
    assert "layout_lmdb.handwriting_train is being made by" in caplog.text and "the first" in caplog.text
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    second.join(30)
    assert taken == ["the second"] and holder(path) == ""


def test_a_step_waits_for_the_other_run_and_then_finds_the_artifact_current(
    definitions: dg.Definitions, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "ASK_EVERY", 0.02)
    job, partition = definitions.resolve_job_def("data"), "public_admin_train"
    merged_json = [dg.AssetKey("merged_json")]
    assert job.execute_in_process(partition_key=partition, asset_selection=merged_json).success
    made = manifest_path(workspace.merged_json(partition)).stat().st_mtime_ns
    process = start_holder(lease_path(workspace, "merged_json", partition), tmp_path / "started")
    results: list[dg.ExecuteInProcessResult] = []
    run = threading.Thread(
        target=lambda: results.append(job.execute_in_process(partition_key=partition, asset_selection=merged_json))
    )
    run.start()
    run.join(1.5)
    assert run.is_alive()
    process.kill()
    process.wait()
    run.join(60)
    assert results[0].success and manifest_path(workspace.merged_json(partition)).stat().st_mtime_ns == made


def test_leases_of_other_partitions_do_not_wait(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    paths = {lease_path(workspace, "lookup", partition) for partition in ("a", "b", None)}
    assert len(paths) == 3
    first, second, _ = sorted(paths)
    with lease(first, "one"), lease(second, "two"):
        assert "one" in holder(first) and "two" in holder(second)
