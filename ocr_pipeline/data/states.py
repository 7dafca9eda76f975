"""What of a source partition is complete, missing, stale or empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from ocr_pipeline.data import annotations as annotation_stage
from ocr_pipeline.data import layout_lmdb as layout_stage
from ocr_pipeline.data import lookup as lookup_stage
from ocr_pipeline.data import merged_json as merge_stage
from ocr_pipeline.data import quality as quality_stage
from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.corrections import corrections_effect
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, model_name
from ocr_pipeline.data.lookup import picture_input
from ocr_pipeline.data.merged_json import label_input
from ocr_pipeline.data.quality import QualitySettings
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.settings import left_out
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.state import ArtifactState, Making, find_state, fingerprints
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


def partition_states(
    workspace: Workspace, partition: SourcePartition, share: Share | None, environment: Mapping[str, str]
) -> Iterator[ArtifactState]:
    """The state of each artifact, in the order of the stages; crops are expected in one of their two formats.

    Args:
        share: labels and pictures are compared with it, or with what was drawn of the partition; None: they are not.
        environment: the variables that say the settings of a run that is given none.
    """
    if partition.dataset.is_drawn:
        share = source_of(partition, None, workspace) if workspace.drawn.exists() else None
    now = fingerprints({"merged_json": workspace.merged_json(partition.key), "lookup": workspace.lookup(partition.key)})
    if share:
        now["labels"] = label_input(partition.label_folders(share)).fingerprint
        now["pictures"] = picture_input(partition.picture_folders(share)).fingerprint
    making = _making(workspace, partition, share, environment, now)
    for stage in stages_of("data"):
        artifacts = STAGES[stage].artifacts(workspace, [partition])
        found = (find_state(stage, each, making.get(f"{stage}{each.suffix}", making[stage])) for each in artifacts)
        for _, alternatives in groupby(found, lambda one: one.artifact.stem):
            states = list(alternatives)
            yield from [one for one in states if one.state.name != "missing"] or states[:1]


def _making(
    workspace: Workspace,
    partition: SourcePartition,
    share: Share | None,
    environment: Mapping[str, str],
    inputs: Mapping[str, str],
) -> dict[str, Making]:
    """How each stage would make its artifacts; crops as a JSONL in another way."""
    crops = AnnotationSettings.from_environment(environment)
    layouts = LayoutSettings.from_environment(environment).suited_to(partition.dataset.documents)
    seconds = QualitySettings.from_environment(environment).seconds
    as_lmdb, as_jsonl = (crops.recorded_in(workspace.root, form) | left_out(crops) for form in ("lmdb", "jsonl"))
    said = corrections_effect(workspace, partition.key)
    of_layouts = {"model": model_name(layouts.model), **layouts.recorded(), **left_out(layouts)}
    return {
        "merged_json": Making(inputs, merge_stage.CODE_VERSION, at_times={"corrections": said}),
        "lookup": Making(inputs, lookup_stage.CODE_VERSION, {"source": share.place} if share else {}),
        "annotations": Making(inputs, annotation_stage.CODE_VERSION, as_lmdb),
        "annotations.jsonl": Making(inputs, annotation_stage.CODE_VERSION, as_jsonl),
        "data_quality": Making(inputs, quality_stage.CODE_VERSION, {"seconds": seconds}),
        "layout_lmdb": Making(inputs, layout_stage.CODE_VERSION, of_layouts),
    }
