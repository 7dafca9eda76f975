"""A night asks for what is not current; one in which nothing changed is one small run."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.orchestration.automation.night import NIGHT_JOB
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.workspace import Workspace


@pytest.fixture
def one_set(tmp_path: Path, workspace: Workspace) -> dg.Definitions:
    write_collection(tmp_path / "one", pages={"text_in_wild": 2}, page_size=(256, 352))
    return build_definitions(Locations(source=str(tmp_path / "one"), output=str(workspace.root)))


def night(definitions: dg.Definitions, instance: dg.DagsterInstance) -> str:
    """What a night says."""
    result = definitions.resolve_job_def(NIGHT_JOB).execute_in_process(instance=instance)
    assert result.success
    return "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))


def test_what_is_not_current_is_asked_for(one_set: dg.Definitions, instance: dg.DagsterInstance) -> None:
    said = night(one_set, instance)
    (backfill,) = instance.get_backfills()
    assert backfill.title == "the night" and "text_in_wild, merged_json: missing" in said
    assert backfill.asset_backfill_data.target_subset.num_partitions_and_non_partitioned_assets == 5


@pytest.mark.slow
def test_a_night_without_changes_asks_for_nothing(one_set: dg.Definitions, instance: dg.DagsterInstance) -> None:
    data = one_set.resolve_job_def("data")
    assert data.execute_in_process(partition_key="text_in_wild", instance=instance).success
    assert "All of 1 partitions is current." in night(one_set, instance)
    assert not instance.get_backfills()
