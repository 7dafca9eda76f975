"""A stage inside a step: of two runs that want the same artifact the second waits for the first."""

from __future__ import annotations

import threading
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.leases import artifacts
from ocr_pipeline.leases.artifacts import lease_path
from ocr_pipeline.storage.manifest import manifest_path
from ocr_pipeline.storage.workspace import Workspace
from ocr_pipeline_tests.leases.test_artifacts import start_holder


def test_a_step_waits_for_the_other_run_and_then_finds_the_artifact_current(
    definitions: dg.Definitions, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "ASK_EVERY", 0.02)
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
