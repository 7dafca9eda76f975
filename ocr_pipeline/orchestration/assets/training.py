"""The training assets: from the partitions of a recipe to a published checkpoint."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from ocr_pipeline import fast, recognition
from ocr_pipeline.devices.machine import leased_gpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.automation.conditions import train_condition
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.execution.demands import training_demand
from ocr_pipeline.orchestration.execution.many_devices import train_on_leased_devices
from ocr_pipeline.orchestration.execution.stopping import stopped_by_the_stage
from ocr_pipeline.orchestration.launchpad import launchpad
from ocr_pipeline.orchestration.metadata import checkpoint_metadata, crop_table, encoded_picture, small_picture
from ocr_pipeline.orchestration.partitions import from_chosen
from ocr_pipeline.orchestration.pinning import demand_same_data, pinned_recipe
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.recognition import dlora
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.learnt import note_learnt
from ocr_pipeline.release.sections import DloraSection, FastSection, TrainingSection
from ocr_pipeline.release.soundness import crop_faults, demand_sayable_labels, demand_sound_data, page_faults
from ocr_pipeline.settings import recorded
from ocr_pipeline.shown import as_markdown
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.training.training_log import TrainingLog

_LOGS = {"show_predictions", "show_training", "show_tokens", "show_gradients", "profile", "report_to"}
_ELSEWHERE = {"output_dir", "lmdb_base", "resume", "config", "checkpoint", *_LOGS}


def training_assets(
    locations: Locations, automation: AutomationSettings, sections: Mapping[str, TrainingSection | PipelineError]
) -> list[dg.AssetsDefinition]:
    """Both trainings by the recipe of the output folder: their lineage, their GPUs, and what the launchpad proposes.

    Where the recipe makes no sense the asset says so, and so does its run.
    """
    condition = train_condition(locations, automation)

    @_training_asset(FastSection, sections, "pytorch", fast.CODE_VERSION, condition)
    def fast_checkpoint(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
        """The text detector FAST, trained on the layout LMDBs of a recipe (guide, step 6).

        An interrupted training goes on where it stopped; the same data and settings are not trained twice.
        """
        with stage_run(context):
            return _train_detector(context, locations.workspace)

    @_training_asset(DloraSection, sections, "huggingface", dlora.CODE_VERSION, condition)
    def dlora_checkpoint(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
        """TrOCR with DoRA in its image encoder and LoRA in its text decoder (guide, step 8).

        An interrupted training goes on where it stopped; the same data and settings are not trained twice.
        """
        with stage_run(context):
            return _train_recognizer(context, locations.workspace)

    return [fast_checkpoint, dlora_checkpoint]


def _training_asset(
    kind_of_section: type[TrainingSection],
    sections: Mapping[str, TrainingSection | PipelineError],
    kind: str,
    code_version: str,
    condition: dg.AutomationCondition,
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    loaded = sections[kind_of_section.asset]
    section = kind_of_section() if isinstance(loaded, PipelineError) else loaded
    mapping = from_chosen(section.partitions, fully_labelled=section.fully_labelled)
    return stage_asset(
        section.asset,
        kind,
        code_version,
        training_demand(section.gpus),
        config_schema=launchpad(type(section), without=("gpus",), defaults=vars(section)),
        deps=[dg.AssetDep(name, partition_mapping=mapping) for name in STAGES[section.asset].needs],
        automation_condition=condition,
        description=f"Cannot be trained: {as_markdown(str(loaded))}" if isinstance(loaded, PipelineError) else None,
    )


def _train_detector(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    section = pinned_recipe(FastSection, context, workspace)
    recipe = section.choose(workspace)
    demand_same_data(context, section.asset, recipe)
    settings = section.settings()
    decisive = _plain(settings, recorded(settings.effective_config()))
    training = TrainedCheckpoint("fast_checkpoint", workspace.fast_checkpoint, fast.CODE_VERSION, decisive, recipe)
    with training.publication() as made:
        if made.current is None:
            if not section.despite_checks:
                demand_sound_data(workspace, recipe, page_faults)
            run_dir = workspace.fast_run(training.key)
            run = dataclasses.replace(settings, output_dir=run_dir, resume="auto", quiet=True)
            learnt, data = note_learnt(workspace, recipe, run_dir), recipe.as_kept()
            with stopped_by_the_stage():
                result = train_on_leased_devices(fast.train_fast, run, data.train, data.valid, _detector_log)
            training.publish(made, result.best_checkpoint, result.metrics, learnt)
    run_folder = workspace.fast_run(training.key)
    pictures = {name: run_folder / f"{name}.png" for name in ("curves", "training_batch", "validation")}
    shown = {name: encoded_picture(path.read_bytes()) for name, path in pictures.items() if path.exists()}
    return _result(made.manifest, training, run_folder, shown)


def _train_recognizer(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    section = pinned_recipe(DloraSection, context, workspace)
    recipe = section.choose(workspace)
    demand_same_data(context, section.asset, recipe)
    settings, base = section.settings(), section.model_name_or_path
    decisive = _plain(settings, {"model_name_or_path": [Path(base).name, dlora.base_fingerprint(base)]})
    training = TrainedCheckpoint("dlora_checkpoint", workspace.dlora_checkpoint, dlora.CODE_VERSION, decisive, recipe)
    with training.publication() as made:
        if made.current is None:
            if not section.despite_checks:
                demand_sound_data(workspace, recipe, crop_faults)
                demand_sayable_labels(recognition.label_coverage(base, recipe.train), base)
            run_dir = workspace.dlora_run(training.key)
            run = dataclasses.replace(settings, output_dir=str(run_dir), resume_from_checkpoint="last")
            learnt, data = note_learnt(workspace, recipe, run_dir), recipe.as_kept()
            with stopped_by_the_stage():
                result = train_on_leased_devices(dlora.train_dlora, run, data.train, data.valid, _recognizer_log)
            training.publish(made, result.checkpoint, _recognition_metrics(result), learnt)
    run_folder = workspace.dlora_run(training.key)
    return _result(made.manifest, training, run_folder, _gallery(run_folder))


def _detector_log() -> Callable[[dict[str, Any]], None]:
    log = TrainingLog("fast_checkpoint")

    def on_progress(row: dict[str, Any]) -> None:
        scores: dict[str, float] = {name: row[name] for name in ("hmean", "precision", "recall") if name in row}
        log.step(row["step"], row["steps"], row["loss"], scores)

    return on_progress


def _recognizer_log() -> Callable[[Any], None]:
    log, loss = TrainingLog("dlora_checkpoint"), None

    def on_progress(progress: Any) -> None:
        nonlocal loss
        loss = loss if progress.loss is None else progress.loss
        scores = progress.scores and {name: getattr(progress.scores, name) for name in ("cer", "wer", "exact")}
        log.step(progress.step, progress.steps, loss, scores)

    return on_progress


def _gallery(run_folder: Path) -> dict[str, Any]:
    """The validation crops with the most errors, and the curves of the training, large behind a click."""
    shown: dict[str, Any] = {}
    if (run_folder / "predictions.csv").is_file():
        worst = recognition.worst_crops(run_folder / "predictions.csv")
        shown["worst_crops"] = crop_table((image, f"{crop.prediction} (is {crop.reference})") for image, crop in worst)
    if (run_folder / "curves.png").is_file():
        shown["curves"] = encoded_picture((run_folder / "curves.png").read_bytes())
    return shown


def _small_curves(curves: Path) -> dict[str, Any]:
    return {"curves_small": small_picture(curves.read_bytes())} if curves.is_file() else {}


def _recognition_metrics(result: Any) -> dict[str, float]:
    coverage = result.coverage
    metrics = {"labels_changed_share": coverage.changed / max(1, coverage.labels)}
    for name, scores in (("", result.best), ("base_", result.base)):
        if scores is not None:
            metrics |= {name + key: float(value) for key, value in dataclasses.asdict(scores).items()}
    return metrics


def _plain(settings: Any, instead: dict[str, Any]) -> dict[str, Any]:
    """Settings as they come back from a manifest (lists, no tuples); a path counts by the content of its file."""
    fields = {name: value for name, value in recorded(settings).items() if name not in _ELSEWHERE}
    start = getattr(settings, "checkpoint", None)
    fields |= instead | ({"checkpoint": fingerprint_file(start)} if start else {})
    fields |= {"processes": leased_gpus()} if leased_gpus() > 1 else {}  # N train as one with N times the batch
    return msgspec.json.decode(msgspec.json.encode(fields))


def _result(
    manifest: Manifest, training: TrainedCheckpoint, run_folder: Path, shown: dict[str, Any] | None = None
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.fingerprint),
        metadata={
            **checkpoint_metadata(manifest, training.target),
            "run_folder": dg.MetadataValue.path(run_folder),
            **_small_curves(run_folder / "curves.png"),
            **(shown or {}),
        },
    )
