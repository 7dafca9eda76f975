"""A stage inside a step: of two runs that want the same artifact the second waits for the first."""

import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.artifacts import lease as artifacts
from ocr_pipeline.storage.artifacts.lease import lease_path
from ocr_pipeline.storage.artifacts.manifest import manifest_path
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.training.training_log import TrainingLog
from ocr_pipeline_tests.storage.artifacts.test_lease import start_holder


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


@pytest.mark.parametrize("cancelled", [True, False])
def test_an_interrupted_step_is_tried_again_unless_its_run_was_cancelled(
    cancelled: bool, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def interrupted(context: dg.AssetExecutionContext, locations: Locations) -> None:
        with stage_run(context):
            if context.retry_number == 0:
                if cancelled:
                    context.instance.report_run_canceling(context.run)
                raise DagsterExecutionInterruptedError("saved at step 40")

    locations = Locations(source="", output=str(workspace.root))
    result = dg.materialize([interrupted], instance=instance, resources={"locations": locations}, raise_on_error=False)
    assert result.success is not cancelled
    again = [event for event in result.all_events if event.is_step_up_for_retry]
    assert len(again) == (0 if cancelled else 1)
    if cancelled:
        (failed,) = [event for event in result.all_events if event.is_step_failure]
        assert "Its run was cancelled: saved at step 40" in str(failed.step_failure_data)


def test_points_of_a_training_are_drawn_while_it_runs_whichever_thread_tells_them(
    instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    """Lines of other processes come by a thread of their own."""
    seen = []

    @dg.asset
    def trained(context: dg.AssetExecutionContext, locations: Locations) -> None:
        with stage_run(context):
            teller = threading.Thread(target=lambda: TrainingLog("trained").step(40, 160, 0.5, {"hmean": 0.25}))
            teller.start()
            teller.join()
            records = instance.fetch_observations(context.asset_key, limit=10).records
            seen.extend(record.asset_observation.metadata for record in records)

    locations = Locations(source="", output=str(workspace.root))
    assert dg.materialize([trained], instance=instance, resources={"locations": locations}).success
    (point,) = seen
    assert {name: number.value for name, number in point.items()} == {
        "training/step": 40,
        "training/loss": 0.5,
        "training/hmean": 0.25,
    }
    assert len(instance.fetch_observations(dg.AssetKey("trained"), limit=10).records) == 1
