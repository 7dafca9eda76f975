"""A run keeps the recipe and the data that it was launched with, and so does its retry."""

from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.pinning import demand_same_data, pinned_recipe, recipe_tags
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.release.sections import FastSection, loaded_sections
from ocr_pipeline.storage.artifacts.manifest import Input
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace

STEPS = {"options": dg.Field(dict, is_required=False)}


def write_recipe(workspace: Workspace, steps: int, learning_rate: float = 0.001) -> None:
    workspace.root.mkdir(exist_ok=True)
    options = f"{{max_steps: {steps}, learning_rate: {learning_rate}}}"
    (workspace.root / "recipe.yaml").write_text(f"fast_checkpoint: {{options: {options}}}\n")


class Training:
    """Stands for the real one: it notes what it would train with."""

    def __init__(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        self.workspace, self.instance, self.version = workspace, instance, "v1"
        self.seen: list[FastSection] = []

        @dg.asset(config_schema=STEPS)
        def fast_checkpoint(context: dg.AssetExecutionContext, locations: Locations) -> None:
            with stage_run(context):
                self.seen.append(pinned_recipe(FastSection, context, workspace))
                recipe = Recipe((), (), (), [Input("a_train_layout.lmdb", self.version)], Counts())
                demand_same_data(context, "fast_checkpoint", recipe)

        self.asset = fast_checkpoint

    def run(self, tags: dict[str, str], config: dict[str, object] | None = None) -> dg.ExecuteInProcessResult:
        run_config = {"ops": {"fast_checkpoint": {"config": {"options": config}}}} if config else None
        locations = {"locations": Locations(output=str(self.workspace.root))}
        return dg.materialize(
            [self.asset],
            instance=self.instance,
            tags=tags,
            run_config=run_config,
            resources=locations,
            raise_on_error=False,
        )

    def tags_of(self, result: dg.ExecuteInProcessResult) -> dict[str, str]:
        return dict(self.instance.get_run_by_id(result.run_id).tags)


@pytest.fixture
def training(workspace: Workspace, instance: dg.DagsterInstance) -> Training:
    write_recipe(workspace, 3)
    return Training(workspace, instance)


def test_a_recipe_that_changes_in_the_queue_does_not_count(training: Training) -> None:
    launched = recipe_tags(loaded_sections(training.workspace))
    write_recipe(training.workspace, 7)
    assert training.run(launched).success
    assert training.run({}).success
    assert [section.options["max_steps"] for section in training.seen] == [3, 7]


def test_a_retry_goes_on_with_what_its_run_began_with(training: Training) -> None:
    noted = training.tags_of(training.run({}))
    write_recipe(training.workspace, 7)
    assert training.run(noted).success
    assert training.seen[0] == training.seen[1]


def test_a_retry_on_other_data_is_refused_by_name(training: Training) -> None:
    noted = training.tags_of(training.run({}))
    training.version = "v2"
    (failure,) = training.run(noted).get_step_failure_events()
    assert "the data has changed since this run began to train: a_train_layout.lmdb" in str(failure.event_specific_data)
    assert training.run({}).success


def test_the_config_of_a_run_comes_first_option_for_option(training: Training) -> None:
    launched = recipe_tags(loaded_sections(training.workspace))
    write_recipe(training.workspace, 7, learning_rate=1.0)
    assert training.run(launched, {"max_steps": 1}).success
    assert training.seen[0].options == {"max_steps": 1, "learning_rate": 0.001}


def test_a_wrong_line_concerns_its_training_alone(workspace: Workspace, tmp_path: Path) -> None:
    workspace.root.mkdir()
    (workspace.root / "recipe.yaml").write_text(
        "fast_checkpoint: {partitions: [handwriting_trian]}\ndlora_checkpoint: {options: {max_steps: 2}}\n"
    )
    definitions = build_definitions(Locations(output=str(workspace.root)))
    graph = definitions.resolve_asset_graph()
    assert "no such partition: handwriting_trian" in graph.get(dg.AssetKey("fast_checkpoint")).description
    assert "Cannot be trained" not in graph.get(dg.AssetKey("dlora_checkpoint")).description
    job = definitions.resolve_job_def("training")
    assert set(job.run_tags) >= {"ocr_pipeline/recipe.dlora_checkpoint"}
    assert "ocr_pipeline/recipe.fast_checkpoint" not in job.run_tags
    result = job.execute_in_process(asset_selection=[dg.AssetKey("fast_checkpoint")], raise_on_error=False)
    assert "handwriting_trian" in str(result.get_step_failure_events()[0].event_specific_data)
