"""The graph as a component of another Dagster project: its keys have a prefix, its recipe lies beside its file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.component import OcrPipelineComponent
from ocr_pipeline.orchestration import backfills
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.workers import location_of
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.upkeep.registering import register
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "dagster_project"
PARTITION = "public_admin_train"


@pytest.fixture
def prefixed(small_share: Path, workspace: Workspace) -> dg.Definitions:
    return build_definitions(Locations(source=str(small_share), output=str(workspace.root), key_prefix=["ocr"]))


def test_assets_their_inputs_their_checks_and_what_starts_them_have_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("automation: {nightly: '0 4 * * *'}\nfast_checkpoint: {max_stepz: 1}\n")
    component = OcrPipelineComponent(
        output=str(tmp_path / "output"), recipe=str(tmp_path / "recipe.yaml"), key_prefix=["my", "ocr"]
    )
    definitions = component.build_defs(dg.ComponentTree.for_test().load_context)
    graph = definitions.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == {f"my/ocr/{name}" for name in STAGES}
    for name, stage in STAGES.items():
        parents = graph.get(dg.AssetKey(["my", "ocr", name])).parent_keys
        assert parents == {dg.AssetKey(["my", "ocr", above]) for above in stage.needs}
    assert {key.asset_key.path[0] for key in graph.asset_check_keys} == {"my"}
    nightly = definitions.get_schedule_def("nightly_data")
    assert nightly.cron_schedule == "0 4 * * *" and nightly.default_status is dg.DefaultScheduleStatus.RUNNING
    training = graph.get(dg.AssetKey(["my", "ocr", "fast_checkpoint"]))
    assert "Cannot be trained" in (training.description or "") and "max_stepz" in (training.description or "")


def test_what_a_prefixed_run_makes_is_known_by_its_keys(
    prefixed: dg.Definitions, workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    wanted = {PARTITION: ["merged_json", "lookup"]}
    assert dict(backfills.run_here(instance, prefixed, wanted)) == {PARTITION: True}
    assert [location_of(run) for run in instance.get_runs()] == ["ocr_pipeline"]  # the UI's first page shows no others
    assert set(instance.get_asset_keys()) == {dg.AssetKey(["ocr", name]) for name in ("merged_json", "lookup")}
    summary = instance.get_latest_asset_check_evaluation_record(
        dg.AssetCheckKey(dg.AssetKey(["ocr", "lookup"]), "counts_add_up")
    )
    assert summary
    locations = Locations(output=str(workspace.root), key_prefix=["ocr"])
    assert not list(register(instance, workspace, key=locations.key))
    assert backfills.submit(instance, prefixed, wanted)
    assert [path.name for path in (workspace.root / ".leases").glob("lookup.*")] == [f"lookup.{PARTITION}.lock"]


def check_defs(project: Path, output: Path) -> subprocess.CompletedProcess[str]:
    places = {"OCR_PIPELINE_SOURCE": str(project), "OCR_PIPELINE_OUTPUT": str(output)}
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = output.with_name("home")
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return subprocess.run(
        ["dg", "check", "defs"],
        cwd=project,
        env=os.environ | places | {"PATH": binaries, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_dg_finds_the_example_sound_and_says_what_is_misspelt(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project)
    sound = check_defs(project, tmp_path / "output")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "All definitions loaded successfully" in sound.stdout
    defs = project / "my_project" / "defs" / "ocr" / "defs.yaml"
    defs.write_text(defs.read_text().replace("key_prefix", "key_prefixx"))
    wrong = check_defs(project, tmp_path / "output")
    assert wrong.returncode != 0 and "key_prefixx" in wrong.stdout + wrong.stderr
