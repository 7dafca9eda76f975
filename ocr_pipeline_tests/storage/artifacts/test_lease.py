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

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts import lease as artifacts
from ocr_pipeline.storage.artifacts.lease import holder, lease, lease_path
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.data.adoption.making import write_folder

HOLD = """
import sys, time
from pathlib import Path
from ocr_pipeline.storage.artifacts.lease import lease
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
    monkeypatch.setattr(artifacts, "ASK_EVERY", 0.02)
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


def test_leases_of_other_partitions_do_not_wait(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    paths = {lease_path(workspace, "lookup", partition) for partition in ("a", "b", None)}
    assert len(paths) == 3
    first, second, _ = sorted(paths)
    with lease(first, "one"), lease(second, "two"):
        assert "one" in holder(first) and "two" in holder(second)


def test_a_command_waits_for_the_lease_of_its_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "ASK_EVERY", 0.02)
    workspace, partition = Workspace(tmp_path / "output"), "public_admin_train"
    write_collection(tmp_path / "share", pages={partition: 1}, page_size=(160, 224))
    process = start_holder(lease_path(workspace, "merged_json", partition), tmp_path / "started")
    places = ["--source", str(tmp_path / "share"), "--output", str(workspace.root), "--partition", partition]
    results = []
    command = threading.Thread(target=lambda: results.append(CliRunner().invoke(cli, ["merge", *places])))
    command.start()
    command.join(1.0)
    assert command.is_alive() and not read_manifest(workspace.merged_json(partition))
    process.kill()
    process.wait()
    command.join(60)
    assert results[0].exit_code == 0 and read_manifest(workspace.merged_json(partition))
    assert holder(lease_path(workspace, "merged_json", partition)) == ""


def test_adopting_waits_for_who_makes_the_same_artifact(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "ASK_EVERY", 0.02)
    folder = write_folder(tmp_path / "old")
    process = start_holder(lease_path(workspace, "lookup", "handwriting_train"), tmp_path / "started")
    results = []
    adopting = threading.Thread(
        target=lambda: results.append(CliRunner().invoke(cli, ["adopt", str(folder), "--output", str(workspace.root)]))
    )
    adopting.start()
    adopting.join(1.5)
    assert adopting.is_alive() and not read_manifest(workspace.lookup("handwriting_train"))
    process.kill()
    process.wait()
    adopting.join(60)
    assert results[0].exit_code == 0 and read_manifest(workspace.lookup("handwriting_train"))


def test_a_link_in_the_place_of_a_lease_is_refused_and_empties_nothing(tmp_path: Path) -> None:
    path, victim = lease_path(Workspace(tmp_path / "out"), "merged_json", "handwriting_train"), tmp_path / "victim"
    victim.write_text("mine")
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    with pytest.raises(PipelineError, match="a link stands"), lease(path, "me"):
        pass
    assert victim.read_text() == "mine" and holder(path) == ""
    path.unlink()  # as the remedy says
    with lease(path, "me"):
        assert "me" in holder(path)
