"""The recipe file: where it lies, what it may say, and that every part of the code location hears it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.contest import ChampionSettings
from ocr_pipeline.release.recipe_file import RECIPE_VARIABLE, recipe_settings
from ocr_pipeline.release.sections import DloraSection, FastSection
from ocr_pipeline.storage.artifacts.workspace import Workspace


def written(folder: Path, text: str) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return Workspace(folder)


def test_each_training_reads_its_own_section(tmp_path: Path) -> None:
    workspace = written(tmp_path, "fast_checkpoint: {config: tiny_736.yaml}\ndlora_checkpoint: 3\n")
    assert FastSection.of(workspace, {}).config == "tiny_736.yaml"
    with pytest.raises(PipelineError, match="dlora_checkpoint"):
        DloraSection.of(workspace, {})
    assert FastSection.of(Workspace(tmp_path / "elsewhere"), {}) == FastSection()


def test_the_recipe_that_is_named_counts_before_the_one_in_the_output_folder(tmp_path: Path) -> None:
    workspace = written(tmp_path / "output", "fast_checkpoint: {config: tiny_736.yaml}\n")
    named = tmp_path / "named.yaml"
    named.write_text("fast_checkpoint: {config: korean_736.yaml}\n")
    assert FastSection.of(workspace, {RECIPE_VARIABLE: str(named)}).config == "korean_736.yaml"
    named.unlink()
    with pytest.raises(PipelineError, match="cannot be read"):
        FastSection.of(workspace, {RECIPE_VARIABLE: str(named)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast_chekpoint: {config: a.yaml}", "Did you mean fast_checkpoint"),
        ("fast_checkpoint: {confg: a.yaml}", "Did you mean config"),
        ("fast_checkpoint: {batch_size: 8}", r"Did you mean options\.batch_size"),
        ("fast_checkpoint: {options: {bach_size: 8}}", "Did you mean batch_size"),
        ("fast_checkpoint: {options: {output_dir: x}}", "there is no output_dir"),
        ("fast_checkpoint: {options: {batch_size: many}}", "options, batch_size.*a whole number from 1 on"),
        ("fast_checkpoint: {options: {amp: maybe}}", "options, amp.*true"),
        ("fast_checkpoint: {options: 3}", "options cannot be 3"),
        ("fast_checkpoint: {gpus: 0}", "gpus"),
        ("- fast_checkpoint", "no sections"),
        ("fast_checkpoint: {", "cannot be read"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_with_what_was_meant(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        FastSection.of(written(tmp_path, text), {})


def test_numbers_and_switches_are_read_as_yaml_writes_them(tmp_path: Path) -> None:
    options = "{learning_rate: 1e-4, bf16: yes, max_steps: 5, save_total_limit: null}"
    section = DloraSection.of(written(tmp_path, f"dlora_checkpoint: {{options: {options}}}"), {})
    settings = section.settings()
    assert (settings.learning_rate, settings.bf16, settings.max_steps) == (1e-4, True, 5)


def test_variables_stand_below_the_recipe_of_a_training_and_above_that_of_the_champion(tmp_path: Path) -> None:
    workspace = written(tmp_path, "dlora_checkpoint: {output_format: lmdb}\nchampion: {tolerance: 0.5}\n")
    said = {"FAST_OUTPUT_FORMAT": "jsonl", "TROCR_BASE": "base", "OCR_PIPELINE_TOLERANCE": "1%"}
    section = DloraSection.of(workspace, said)
    assert (section.output_format, section.model_name_or_path) == ("lmdb", "base")
    assert recipe_settings(ChampionSettings, "champion", workspace, {}).tolerance == 0.5
    assert recipe_settings(ChampionSettings, "champion", workspace, said).tolerance == 0.01


def test_the_definitions_honour_the_recipe_of_the_output_folder_that_they_are_built_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "environment", "fast_checkpoint: {config: korean_736.yaml}\n")
    monkeypatch.setenv("OCR_PIPELINE_OUTPUT", str(tmp_path / "environment"))
    monkeypatch.delenv(RECIPE_VARIABLE, raising=False)
    workspace = written(
        tmp_path / "given",
        """
fast_checkpoint: {config: tiny_736.yaml, gpus: 3, partitions: [public_admin_train], options: {max_steps: 7}}
champion: {tolerance: 0.5}
automation: {watch: true, nightly: "30 2 * * *", train_share: 10%}
""",
    )
    definitions = build_definitions(Locations(output=str(workspace.root)))
    schema = definitions.resolve_job_def("training").run_config_schema.config_type.fields["ops"].config_type
    training = schema.fields["fast_checkpoint"].config_type.fields["config"].config_type
    assert training.fields["config"].default_value == "tiny_736.yaml"
    assert training.fields["options"].config_type.fields["max_steps"].default_value == 7
    graph = definitions.resolve_asset_graph()
    (training_asset,) = (graph.get(dg.AssetKey("fast_checkpoint")).assets_def,)
    assert training_asset.op.tags["ocr/gpus"] == "3"
    mapping = graph.get(dg.AssetKey("fast_checkpoint")).partition_mappings[dg.AssetKey("layout_lmdb")]
    assert mapping.partition_keys == ["public_admin_train"]
    assert recipe_settings(ChampionSettings, "champion", workspace).tolerance == 0.5
    repository = definitions.get_repository_def()
    assert repository.get_sensor_def("share_watch").default_status == dg.DefaultSensorStatus.RUNNING
    assert repository.get_sensor_def("training_follows").default_status == dg.DefaultSensorStatus.RUNNING
    assert repository.get_schedule_def("nightly_data").cron_schedule == "30 2 * * *"
