"""``ocr-pipeline backfill``: what it would do, what it does, and that it does nothing twice."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from dagster._daemon.types import DaemonHeartbeat

from ocr_pipeline.cli import cli
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.orchestration.backfills import has_daemon
from ocr_pipeline.storage.artifacts.manifest import manifest_path
from ocr_pipeline.storage.artifacts.workspace import Workspace

DATA = ("merged_json", "lookup", "annotations", "data_quality", "layout_lmdb")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_collection(tmp_path / "share", pages={"handwriting_train": 2, "text_in_wild": 2}, page_size=(256, 352))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def backfill(place: Path, *arguments: str) -> Result:
    locations = ("--source", str(place / "share"), "--output", str(place / "output"))
    return CliRunner().invoke(cli, ["backfill", *locations, *arguments], catch_exceptions=False)


def table(result: Result) -> dict[tuple[str, str], tuple[str, str]]:
    """(partition, asset) -> (what is done, why)."""
    rows = [line.split(maxsplit=3) for line in result.output.splitlines()]
    return {(row[0], row[1]): (row[2], row[3].strip()) for row in rows if row and row[0] in PARTITIONS}


def test_a_dry_run_says_what_and_why_and_does_nothing(place: Path) -> None:
    told = backfill(place, "--dry-run")
    assert told.exit_code == 0 and "nothing was started" in told.output and not (place / "output").exists()
    rows = table(told)
    assert rows["handwriting_train", "layout_lmdb"] == ("materialise", "missing")
    assert rows["finance_logistics_train", "lookup"] == ("leave", "the set is not on the share")


@pytest.mark.slow
def test_a_data_set_is_brought_up_to_date_once(place: Path) -> None:
    done = backfill(place, "--dataset", "handwriting")
    assert done.exit_code == 0 and "No daemon runs" in done.output and "handwriting_train: done" in done.output
    assert {partition for partition, _ in table(done)} == {"handwriting_train", "handwriting_valid"}
    again = backfill(place, "--dataset", "handwriting")
    assert "Nothing to do." in again.output
    assert set(table(again).values()) == {("leave", "seems current")}


def test_only_what_changed_and_what_follows_is_planned(place: Path) -> None:
    backfill(place, "--partition", "handwriting_train")
    write_collection(place / "share", pages={"handwriting_train": 3}, page_size=(256, 352))
    rows = table(backfill(place, "--partition", "handwriting_train", "--dry-run"))
    assert rows["handwriting_train", "merged_json"] == ("materialise", "stale (labels changed)")
    assert rows["handwriting_train", "layout_lmdb"] == ("materialise", "follows merged_json, lookup")
    Workspace(place / "output").annotations("handwriting", "train", "lmdb").rename(place / "gone")
    rows = table(backfill(place, "--partition", "handwriting_train", "--asset", "annotations", "--dry-run"))
    assert rows == {("handwriting_train", "annotations"): ("materialise", "missing")}


def test_what_is_current_is_looked_at_again_only_when_asked(place: Path) -> None:
    backfill(place, "--partition", "text_in_wild", "--asset", "merged_json")
    manifest = manifest_path(Workspace(place / "output").merged_json("text_in_wild"))
    made = manifest.stat().st_mtime_ns
    done = backfill(place, "--partition", "text_in_wild", "--asset", "merged_json", "--all")
    assert "text_in_wild: done" in done.output and manifest.stat().st_mtime_ns == made


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = place / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def test_runs_are_remembered_in_the_dagster_home(place: Path, home: Path) -> None:
    backfill(place, "--partition", "text_in_wild", "--asset", "merged_json")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        (run,) = instance.get_runs()
        assert run.is_success and run.tags["dagster/partition"] == "text_in_wild"
        assert not has_daemon(instance)


def test_a_running_daemon_gets_the_backfill_into_its_queue(place: Path, home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "BACKFILL", "a daemon", []))
        told = backfill(place, "--dataset", "handwriting")
        assert told.exit_code == 0 and "in the queue" in told.output
        (asked,) = instance.get_backfills()
        assert asked.backfill_id in told.output and not instance.get_runs()
        targets = asked.asset_backfill_data.target_subset.iterate_asset_partitions()
        assert {(t.asset_key.to_user_string(), t.partition_key) for t in targets} == {
            (asset, f"handwriting_{split}") for asset in DATA for split in ("train", "valid")
        }
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 600, "BACKFILL", "a daemon", []))
        assert not has_daemon(instance)
    assert os.environ["DAGSTER_HOME"] == str(home)


def test_a_failing_partition_is_named(place: Path) -> None:
    (place / "output").mkdir()
    (place / "output" / "json_merged").write_text("in the way")
    failed = CliRunner().invoke(
        cli,
        ["backfill", "--source", str(place / "share"), "--output", str(place / "output"), "--dataset", "handwriting"],
    )
    assert failed.exception and "handwriting_train" in str(failed.exception)
