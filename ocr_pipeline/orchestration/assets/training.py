"""The training assets: from the partitions of a recipe to a published checkpoint."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from ocr_pipeline import fast, recognition
from ocr_pipeline.devices.machine import leased_gpus
from ocr_pipeline.orchestration.assets.data import OWNERS, annotations, layout_lmdb
from ocr_pipeline.orchestration.assets.quality import data_quality
from ocr_pipeline.orchestration.automation.conditions import TRAIN
from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, GPU_POOL, training_demand
from ocr_pipeline.orchestration.execution.many_devices import train_on_leased_devices
from ocr_pipeline.orchestration.execution.stopping import stopped_by_the_stage
from ocr_pipeline.orchestration.metadata import checkpoint_metadata, crop_table, encoded_picture
from ocr_pipeline.orchestration.partitions import from_chosen
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.recognition import dlora
from ocr_pipeline.release.checkpoint import TrainedCheckpoint
from ocr_pipeline.release.recipe import choose_data
from ocr_pipeline.release.recipe_file import recipe_defaults
from ocr_pipeline.release.soundness import crop_faults, demand_sayable_labels, demand_sound_data, page_faults
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.training.training_log import TrainingLog

FAST_DEFAULTS = recipe_defaults("fast_checkpoint")
DLORA_DEFAULTS = recipe_defaults("dlora_checkpoint")
_FAST_DATA = from_chosen(FAST_DEFAULTS.get("partitions", []), fully_labelled=True)
_DLORA_DATA = from_chosen(DLORA_DEFAULTS.get("partitions", []), fully_labelled=False)
_DESPITE_CHECKS = "Train although the data has leaks, counts that do not add up, or characters the base lacks."
_LOGS = {"show_predictions", "show_training", "show_tokens", "show_gradients", "profile", "report_to"}
_ELSEWHERE = {"output_dir", "lmdb_base", "resume", "config", "checkpoint", *_LOGS}


class FastCheckpointConfig(dg.Config):
    """The recipe and the settings of a detector training."""

    partitions: list[str] = Field(
        default=FAST_DEFAULTS.get("partitions", []), description="Partitions to use; empty: all fully labelled ones."
    )
    config: str = Field(
        default=FAST_DEFAULTS.get("config", "base_736.yaml"),
        description="A shipped configuration, or the path of a .yaml or mmcv-style .py file.",
    )
    checkpoint: str = Field(
        default=FAST_DEFAULTS.get("checkpoint", ""), description="Weights to start from, in any layout of FAST."
    )
    options: dict[str, Any] = Field(
        default=FAST_DEFAULTS.get("options", {}),
        description="Any other flag of `ocr-pipeline train-fast`, such as batch_size or max_steps.",
    )
    despite_checks: bool = Field(default=FAST_DEFAULTS.get("despite_checks", False), description=_DESPITE_CHECKS)

    def settings(self) -> fast.FastTraining:
        given: dict[str, Any] = {"config": Path(self.config), "output_dir": Path()}
        if self.checkpoint:
            given["checkpoint"] = Path(self.checkpoint)
        return fast.FastTraining(**given, **self.options)


@dg.asset(
    deps=[dg.AssetDep(asset, partition_mapping=_FAST_DATA) for asset in (layout_lmdb, data_quality)],
    group_name="detection",
    kinds={"pytorch"},
    owners=OWNERS,
    pool=GPU_POOL,
    code_version=fast.CODE_VERSION,
    op_tags=training_demand(FAST_DEFAULTS.get("gpus", 1)),
    retry_policy=AFTER_A_CRASH,
    automation_condition=TRAIN,
)
def fast_checkpoint(
    context: dg.AssetExecutionContext, config: FastCheckpointConfig, locations: Locations
) -> dg.MaterializeResult:
    """The text detector FAST, trained on the layout LMDBs of a recipe (guide, step 6).

    An interrupted training goes on where it stopped; the same data and settings are not trained twice.
    """
    workspace = locations.workspace
    with stage_run(context):
        recipe = choose_data(config.partitions, workspace.layout_lmdb, fully_labelled=True)
        settings = config.settings()
        recorded = _plain(settings, msgspec.structs.asdict(settings.effective_config()))
        training = TrainedCheckpoint("fast_checkpoint", workspace.fast_checkpoint, fast.CODE_VERSION, recorded, recipe)
        with training.publication() as made:
            if made.current is None:
                if not config.despite_checks:
                    demand_sound_data(workspace, recipe, page_faults)
                run_dir = workspace.fast_run(training.key)
                run = dataclasses.replace(settings, output_dir=run_dir, resume="auto", quiet=True)
                with stopped_by_the_stage():
                    result = train_on_leased_devices(fast.train_fast, run, recipe.train, recipe.valid, _detector_log)
                training.publish(made, result.best_checkpoint, result.metrics)
    run_folder = workspace.fast_run(training.key)
    pictures = {name: run_folder / f"{name}.png" for name in ("curves", "training_batch", "validation")}
    shown = {name: encoded_picture(path.read_bytes()) for name, path in pictures.items() if path.exists()}
    return _result(made.manifest, training, run_folder, shown)


class DloraCheckpointConfig(dg.Config):
    """The recipe and the settings of a recognizer training."""

    partitions: list[str] = Field(
        default=DLORA_DEFAULTS.get("partitions", []), description="Partitions to use; empty: all."
    )
    model_name_or_path: str = Field(
        default=DLORA_DEFAULTS.get("model_name_or_path", os.environ.get("TROCR_BASE", "ddobokki/ko-trocr")),
        description="Base model: a folder, or a name on the Hugging Face hub (TROCR_BASE).",
    )
    output_format: str = Field(
        default=DLORA_DEFAULTS.get("output_format", os.environ.get("FAST_OUTPUT_FORMAT", "lmdb")),
        description="Which annotations to read: lmdb or jsonl.",
    )
    options: dict[str, Any] = Field(
        default=DLORA_DEFAULTS.get("options", {}),
        description="Any other flag of `ocr-pipeline train-dlora`, such as learning_rate or max_steps.",
    )
    despite_checks: bool = Field(default=DLORA_DEFAULTS.get("despite_checks", False), description=_DESPITE_CHECKS)


@dg.asset(
    deps=[dg.AssetDep(asset, partition_mapping=_DLORA_DATA) for asset in (annotations, data_quality)],
    group_name="recognition",
    kinds={"huggingface"},
    owners=OWNERS,
    pool=GPU_POOL,
    code_version=dlora.CODE_VERSION,
    op_tags=training_demand(DLORA_DEFAULTS.get("gpus", 1)),
    retry_policy=AFTER_A_CRASH,
    automation_condition=TRAIN,
)
def dlora_checkpoint(
    context: dg.AssetExecutionContext, config: DloraCheckpointConfig, locations: Locations
) -> dg.MaterializeResult:
    """TrOCR with DoRA in its image encoder and LoRA in its text decoder (guide, step 8).

    An interrupted training goes on where it stopped; the same data and settings are not trained twice.
    """
    workspace = locations.workspace
    with stage_run(context):
        recipe = choose_data(
            config.partitions,
            lambda dataset, split: workspace.annotations(dataset, split, config.output_format),
            fully_labelled=False,
        )
        settings = dlora.DloraTraining(model_name_or_path=config.model_name_or_path, output_dir="", **config.options)
        base = config.model_name_or_path
        recorded = _plain(settings, {"model_name_or_path": [Path(base).name, dlora.base_fingerprint(base)]})
        training = TrainedCheckpoint(
            "dlora_checkpoint", workspace.dlora_checkpoint, dlora.CODE_VERSION, recorded, recipe
        )
        with training.publication() as made:
            if made.current is None:
                if not config.despite_checks:
                    demand_sound_data(workspace, recipe, crop_faults)
                    coverage = recognition.label_coverage(config.model_name_or_path, recipe.train)
                    demand_sayable_labels(coverage, config.model_name_or_path)
                run_dir = str(workspace.dlora_run(training.key))
                run = dataclasses.replace(settings, output_dir=run_dir, resume_from_checkpoint="last")
                with stopped_by_the_stage():
                    result = train_on_leased_devices(
                        dlora.train_dlora, run, recipe.train, recipe.valid, _recognizer_log
                    )
                training.publish(made, result.checkpoint, _recognition_metrics(result))
    run_folder = workspace.dlora_run(training.key)
    return _result(made.manifest, training, run_folder, _gallery(run_folder))


def _detector_log() -> Callable[[dict[str, Any]], None]:
    log = TrainingLog("fast_checkpoint")

    def on_progress(row: dict[str, Any]) -> None:
        log.step(row["step"], row["steps"], row["loss"], f"hmean {row['hmean']:.4f}" if "hmean" in row else "")

    return on_progress


def _recognizer_log() -> Callable[[Any], None]:
    log = TrainingLog("dlora_checkpoint")

    def on_progress(progress: Any) -> None:
        if progress.loss is not None:
            log.step(progress.step, progress.steps, progress.loss)

    return on_progress


def _gallery(run_folder: Path) -> dict[str, Any]:
    """The validation crops with the most errors, and the curves of the training."""
    shown: dict[str, Any] = {}
    if (run_folder / "predictions.csv").is_file():
        worst = recognition.worst_crops(run_folder / "predictions.csv")
        shown["worst_crops"] = crop_table((image, f"{crop.prediction} (is {crop.reference})") for image, crop in worst)
    if (run_folder / "curves.png").is_file():
        shown["curves"] = encoded_picture((run_folder / "curves.png").read_bytes())
    return shown


def _recognition_metrics(result: Any) -> dict[str, float]:
    coverage = result.coverage
    metrics = {"labels_changed_share": coverage.changed / max(1, coverage.labels)}
    for name, scores in (("", result.best), ("base_", result.base)):
        if scores is not None:
            metrics |= {name + key: float(value) for key, value in dataclasses.asdict(scores).items()}
    return metrics


def _plain(settings: Any, instead: dict[str, Any]) -> dict[str, Any]:
    """Settings as they come back from a manifest (lists, no tuples); a path counts by the content of its file."""
    fields = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _ELSEWHERE}
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
            **(shown or {}),
        },
    )
