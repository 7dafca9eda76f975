"""What of a source partition is complete, missing, stale or empty."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import picture_input
from ocr_pipeline.data.merged_json import label_input
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.state import ArtifactState, find_state, fingerprints
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


def partition_states(workspace: Workspace, partition: SourcePartition, share: Share | None) -> Iterator[ArtifactState]:
    """The state of each artifact, in the order of the stages; crops are expected in one of their two formats.

    Args:
        share: labels and pictures are compared with it; None: they are not.
    """
    now = fingerprints({"merged_json": workspace.merged_json(partition.key), "lookup": workspace.lookup(partition.key)})
    if share:
        now["labels"] = label_input(partition.label_folders(share)).fingerprint
        now["pictures"] = picture_input(partition.picture_folders(share)).fingerprint
    for stage in stages_of("data"):
        found = (find_state(stage, artifact, now) for artifact in STAGES[stage].artifacts(workspace, [partition]))
        for _, alternatives in groupby(found, lambda one: one.artifact.stem):
            states = list(alternatives)
            yield from [one for one in states if one.state.name != "missing"] or states[:1]
