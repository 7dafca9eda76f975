"""The gate before a training: what the blocking checks of the data say is looked at once more, for just its recipe.

A blocking check holds back what follows it in its own run, and a training usually is a run of its own. So the training
asks again, of exactly the data that it would learn from; it costs a few small files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import read_quality
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.invariants import FaultsOf, count_faults
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.manifest import Input, known_manifest, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from ocr_pipeline.recognition import Coverage

MAX_UNSAYABLE = 0.02
"""The share of labels that the tokenizer of the base may change."""

_ALTHOUGH = "or train all the same with the config `despite_checks: true`."


def objections(workspace: Workspace, recipe: Recipe) -> Iterator[str]:
    """What speaks against a training, by manifests and quality reports alone: cheap enough for every tick of a sensor.

    Counts that do not add up; pages that stand in training and validation data at once; and data for which that is not
    known, because its quality was not measured since its labels changed.
    """
    for artifact in (*recipe.train, *recipe.valid):
        yield from (f"{artifact.name}: {fault}" for fault in count_faults(artifact))
    held_out = {partition.dataset.name for partition in recipe.partitions if "valid" in partition.splits}
    learned = {partition.dataset.name for partition in recipe.partitions if partition.splits != ("valid",)}
    for partition in recipe.partitions:
        if partition.dataset.name in held_out & learned:
            yield from _leaks(workspace, partition)


def demand_sound_data(workspace: Workspace, recipe: Recipe, faults_of: FaultsOf) -> None:
    """Let a training begin, or say why not.

    Args:
        faults_of: looks at a few samples of one artifact.

    Raises:
        PipelineError: something speaks against it.
    """
    found = list(objections(workspace, recipe))
    for artifact in (*recipe.train, *recipe.valid):
        found += (f"{artifact.name}: {fault}" for fault in faults_of(artifact))
    if found:
        raise PipelineError(
            f"the data is not fit to learn from: {'; '.join(found)}",
            where=", ".join(partition.key for partition in recipe.partitions),
            remedy=f"Mend it and materialise the data assets and data_quality of these partitions again, {_ALTHOUGH}",
        )


def demand_sayable_labels(coverage: Coverage, base: str) -> None:
    """Let a recogniser be trained if its tokenizer can say the labels.

    Raises:
        PipelineError: it changes more of them than MAX_UNSAYABLE.
    """
    share = coverage.changed / max(1, coverage.labels)
    if share > MAX_UNSAYABLE:
        lacking = ", ".join(f"{character!r} ({count})" for character, count in coverage.characters.most_common(10))
        raise PipelineError(
            f"the tokenizer cannot say {share:.1%} of the labels; it lacks {lacking}",
            where=base,
            remedy=f"Choose a base model for this script, mend the labels, {_ALTHOUGH}",
        )


def _leaks(workspace: Workspace, partition: SourcePartition) -> Iterator[str]:
    labels = known_manifest(workspace.merged_json(partition.key))
    if labels is None:
        return  # crops that were taken over from elsewhere: their pages are not known
    report = workspace.quality(partition.key)
    measured = read_manifest(report)
    if measured is None:
        yield f"{partition.key}: its quality has not been measured"
    elif Input("merged_json", labels.fingerprint) not in measured.inputs:
        yield f"{partition.key}: its labels have changed since its quality was measured"
    elif pages := read_quality(report).comparison.leaks.pages:
        yield f"{partition.key}: {pages} pages stand in training and validation data at once"
