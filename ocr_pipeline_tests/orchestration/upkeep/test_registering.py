"""What the command line makes, and what somebody deletes, Dagster learns of."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from ocr_pipeline.cli import cli
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.quality import measure_quality
from ocr_pipeline.orchestration.upkeep.registering import GONE, published_elsewhere, register
from ocr_pipeline.orchestration.versions import latest_told, told_version
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

WILD = source_partition("text_in_wild")
MADE = ["merged_json", "lookup", "annotations", "data_quality"]


@pytest.fixture
def made(small_share: Path, workspace: Workspace) -> Workspace:
    """What four commands made of a set with two splits."""
    share = Share(str(small_share))
    merge_labels(share, WILD, workspace, workers=1)
    build_lookup(share, WILD, workspace)
    build_annotations(share, WILD, workspace, AnnotationSettings("lmdb"), crew=Processes(1))
    measure_quality(share, WILD, workspace)
    return workspace


def versions(instance: dg.DagsterInstance) -> dict[str, str]:
    return {asset: told_version(latest_told(instance, dg.AssetKey(asset), WILD.key)) for asset in MADE}


def test_all_that_is_published_is_told_once(made: Workspace, instance: dg.DagsterInstance) -> None:
    assert [one.asset for one in register(instance, made)] == MADE
    told = latest_told(instance, dg.AssetKey("merged_json"), WILD.key)
    assert told and told.metadata["pages_in"].value == read_manifest(made.merged_json(WILD.key)).counts.pages_in
    assert not list(register(instance, made))


def test_a_run_tells_the_same_versions(made: Workspace, instance: dg.DagsterInstance, definitions) -> None:
    list(register(instance, made))
    registered = versions(instance)
    job = definitions.resolve_job_def("data")
    assert job.execute_in_process(
        partition_key=WILD.key, instance=instance, asset_selection=[dg.AssetKey(name) for name in MADE]
    ).success
    assert versions(instance) == registered and not list(register(instance, made))


@pytest.mark.slow
def test_what_is_deleted_is_not_fresh(made: Workspace, instance: dg.DagsterInstance, definitions) -> None:
    list(register(instance, made))
    made.lookup(WILD.key).unlink()
    assert [(one.asset, one.version) for one in register(instance, made)] == [("lookup", GONE)]
    stale = CachingStaleStatusResolver(instance, definitions.resolve_asset_graph(), LoadingContextForTest(instance))
    status = {asset: stale.get_status(dg.AssetKey(asset), WILD.key).value for asset in MADE}
    assert status == {"merged_json": "FRESH", "lookup": "STALE", "annotations": "STALE", "data_quality": "STALE"}
    assert not list(register(instance, made))


@pytest.mark.slow
def test_another_output_folder_and_one_that_is_away_are_no_deletion(
    made: Workspace, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    list(register(instance, made))
    (tmp_path / "other").mkdir()
    assert not list(register(instance, Workspace(tmp_path / "other")))
    made.root.rename(tmp_path / "away")
    assert not list(register(instance, made))


@pytest.mark.slow
def test_what_is_being_made_tells_of_itself(made: Workspace, instance: dg.DagsterInstance) -> None:
    with lease(lease_path(made, "lookup", WILD.key), "a run"):
        assert [one.asset for one in register(instance, made)] == ["merged_json", "annotations", "data_quality"]
    assert not list(register(instance, made, settled=60))  # its run may be about to tell
    assert [one.asset for one in register(instance, made)] == ["lookup"]


def test_a_damaged_manifest_holds_back_no_other(made: Workspace, instance: dg.DagsterInstance) -> None:
    manifest_path(made.lookup(WILD.key)).write_text("{")
    told = {one.asset: one for one in register(instance, made)}
    assert list(told) == MADE and "cannot be read" in told["lookup"].why and not told["lookup"].version


def test_the_daemon_looks_only_where_a_manifest_changed(
    made: Workspace, instance: dg.DagsterInstance, definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tick(cursor: str | None) -> tuple[str, str | None]:
        resources = {"locations": definitions.resources["locations"]}
        context = dg.build_sensor_context(instance, cursor=cursor, resources=resources)
        return published_elsewhere(context).skip_message, context.cursor

    assert tick(None) == ("Dagster knows of all.", None)  # their runs may be about to tell
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100)
    said, cursor = tick(None)
    assert said.startswith("Told of 4: merged_json text_in_wild: published outside") and cursor
    assert tick(cursor) == ("No manifest has changed.", cursor)


@pytest.mark.slow
def test_the_command_tells_a_new_home(made: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    command = ["register", "--output", str(made.root)]
    assert "there is no Dagster home" in str(CliRunner().invoke(cli, command).exception)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert "4 events told in" in CliRunner().invoke(cli, command, catch_exceptions=False).output
    assert "0 events told in" in CliRunner().invoke(cli, command, catch_exceptions=False).output


KILLED = """
import os, signal, sys
from pathlib import Path
from dagster import DagsterInstance
from ocr_pipeline.orchestration.upkeep.registering import register
from ocr_pipeline.storage.artifacts.workspace import Workspace

home, output, when = sys.argv[1:]
tell = DagsterInstance.report_runless_asset_event

def told(self, event):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    tell(self, event)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

DagsterInstance.report_runless_asset_event = told
with DagsterInstance.from_config(home) as instance:
    list(register(instance, Workspace(Path(output))))
"""


@pytest.mark.kill
def test_a_kill_before_or_after_any_event_costs_none_and_doubles_none(made: Workspace, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")

    def registering(when: str) -> int:
        return subprocess.run([sys.executable, "-c", KILLED, str(home), str(made.root), when]).returncode

    codes = [registering(when) for _ in MADE for when in ("before", "after")]
    assert codes == [-signal.SIGKILL] * len(codes) and registering("never") == 0
    with dg.DagsterInstance.from_config(str(home)) as instance:
        told = {asset: instance.fetch_materializations(dg.AssetKey(asset), limit=9).records for asset in MADE}
        assert {asset: len(records) for asset, records in told.items()} == dict.fromkeys(MADE, 1)
        assert not list(register(instance, made))
