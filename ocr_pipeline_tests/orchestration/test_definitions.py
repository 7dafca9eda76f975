"""What the code location offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.secrets.env_file import get_env_var_dict

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.demo.graph import Demo, write_dotenv
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.demands import data_cpus, demand_of
from ocr_pipeline.release.recipe import choose_data
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]


def assets() -> list[dg.AssetsDefinition]:
    return [asset for asset in build_definitions().assets or [] if isinstance(asset, dg.AssetsDefinition)]


def test_every_asset_tells_what_it_is() -> None:
    graph = build_definitions().resolve_asset_graph()
    for asset in assets():
        node = graph.get(asset.key)
        assert node.description and node.group_name != "default" and node.owners and node.kinds and node.code_version
        assert "dagster/code_references" in node.metadata


def test_every_asset_is_described_in_korean_too_and_data_by_the_names_of_the_sets() -> None:
    described = {asset.key.to_user_string(): asset.descriptions_by_key[asset.key] for asset in assets()}
    assert set(described) == set(STAGES)
    assert all(STAGES[name].korean in text for name, text in described.items())
    assert "대용량 손글씨 OCR 데이터 (`handwriting`)" in described["layout_lmdb"]


def test_data_assets_have_the_ten_source_partitions_and_two_that_are_drawn() -> None:
    graph = build_definitions().resolve_asset_graph()
    keys = graph.get(dg.AssetKey("layout_lmdb")).partitions_def.get_partition_keys()
    assert keys == [*PARTITIONS, "synthetic_train", "synthetic_valid"] and len(keys) == 12


def test_the_lineage_is_that_of_the_design() -> None:
    graph = build_definitions().resolve_asset_graph()
    parents = {
        key.to_user_string(): {p.to_user_string() for p in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "merged_json": set(),
        "lookup": {"merged_json"},
        "annotations": {"merged_json", "lookup"},
        "data_quality": {"merged_json", "lookup", "annotations"},
        "label_suspects": {"merged_json", "lookup"},
        "layout_lmdb": {"merged_json", "lookup"},
        "fast_checkpoint": {"layout_lmdb", "data_quality"},
        "dlora_checkpoint": {"annotations", "data_quality"},
        "fast_champion": {"fast_checkpoint"},
        "dlora_champion": {"dlora_checkpoint"},
        "detections": {"fast_champion"},
        "predictions": {"dlora_champion"},
        "readings": {"fast_champion", "dlora_champion"},
        "judgement": {"layout_lmdb", "fast_champion", "dlora_champion"},
    }
    assert parents == {stage.name: {*stage.needs} for stage in STAGES.values()}
    assert all(graph.get(dg.AssetKey(stage.name)).group_name == stage.group for stage in STAGES.values())


def test_gpu_assets_share_one_pool() -> None:
    pooled = {asset.key.to_user_string() for asset in assets() if asset.op.pool == "gpu"}
    checkpoints = {f"{model}_{kind}" for model in ("fast", "dlora") for kind in ("checkpoint", "champion")}
    others = {"label_suspects", "layout_lmdb", "detections", "predictions", "readings", "judgement"}
    assert pooled == {*others, *checkpoints}


def test_every_step_says_what_it_needs() -> None:
    steps = {asset.op.name: asset.op for asset in assets()}
    steps |= {check.op.name: check.op for check in build_definitions().asset_checks or []}
    demands = {name: demand_of(op.tags, op.pool) for name, op in steps.items()}
    assert all(demand.memory_gb > 0 for demand in demands.values())
    assert {name for name, demand in demands.items() if demand.gpus} == {
        name for name, op in steps.items() if op.pool == "gpu"
    }
    assert demands["annotations"].cpus == demands["merged_json"].cpus == data_cpus()


@pytest.mark.parametrize(
    ("environment", "cpus"),
    [({"OCR_PIPELINE_CPUS": "16"}, 8), ({"OCR_PIPELINE_CPUS": "1"}, 1), ({"OCR_PIPELINE_DATA_CPUS": "3"}, 3)],
)
def test_a_data_step_asks_for_half_of_the_cores_or_what_is_set(environment: dict[str, str], cpus: int) -> None:
    assert data_cpus(environment) == cpus


def test_a_wrong_number_of_cores_is_refused() -> None:
    with pytest.raises(PipelineError, match="OCR_PIPELINE_DATA_CPUS"):
        data_cpus({"OCR_PIPELINE_DATA_CPUS": "all"})


def test_workspace_file_names_the_code_location() -> None:
    (entry,) = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"]["module_name"] == "ocr_pipeline.definitions"


@pytest.mark.slow
def test_dagster_finds_the_code_location_sound(tmp_path: Path) -> None:
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "OCR_PIPELINE_OUTPUT": str(tmp_path / "output")}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "--workspace", "workspace.yaml"]
    told = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Validation successful for code location ocr_pipeline" in told.stdout + told.stderr


def test_dagster_yaml_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text((REPOSITORY / "dagster_local.yaml").read_text())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled


def publish(artifact: Path, words: int) -> None:
    artifact.mkdir(parents=True)
    counts = Counts(pages_in=1, pages_out=1, words_in=words, words_out=words)
    manifest = Manifest(
        stage="layout_lmdb",
        partition="",
        code_version="1",
        settings={},
        inputs=[],
        fingerprint=artifact.name,
        counts=counts,
    )
    write_manifest(artifact, manifest)


def test_a_recipe_takes_what_is_published_and_leaves_out_partly_labelled_sets(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for dataset, split, words in (
        ("public_admin", "train", 3),
        ("public_admin", "valid", 2),
        ("handwriting", "train", 5),
        ("ocr_public", "train", 0),
    ):
        publish(workspace.layout_lmdb(dataset, split), words)
    recipe = choose_data([], workspace.layout_lmdb, fully_labelled=True)
    assert [path.name for path in recipe.train] == ["public_admin_train_layout.lmdb"]
    assert [path.name for path in recipe.valid] == ["public_admin_valid_layout.lmdb"]
    assert recipe.counts.words_in == 3
    assert [(item.name, item.role) for item in recipe.inputs] == [
        ("public_admin_train_layout.lmdb", ""),
        ("public_admin_valid_layout.lmdb", VALIDATION),
    ]
    named = choose_data(["handwriting_train"], workspace.layout_lmdb, fully_labelled=True)
    assert [item.fingerprint for item in named.inputs] == ["handwriting_train_layout.lmdb"]


def test_a_recipe_without_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Materialise the data assets"):
        choose_data([], Workspace(tmp_path).layout_lmdb, fully_labelled=True)


def test_what_is_exported_comes_before_the_dotenv_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Demo(tmp_path / "demo")
    written = demo.environment
    assert write_dotenv(demo, tmp_path, written)
    for name in written:
        monkeypatch.delenv(name, raising=False)
    assert get_env_var_dict(str(tmp_path)) == written
    monkeypatch.setenv("OCR_PIPELINE_OUTPUT", "/data/ocr")
    assert get_env_var_dict(str(tmp_path)) == {**written, "OCR_PIPELINE_OUTPUT": "/data/ocr"}
    assert not write_dotenv(demo, tmp_path, {})  # somebody's own stays
    assert get_env_var_dict(str(tmp_path)) == {**written, "OCR_PIPELINE_OUTPUT": "/data/ocr"}
