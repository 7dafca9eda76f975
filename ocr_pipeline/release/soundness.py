"""Whether data may be learned from: what must hold of one artifact, and of all that a training would take.

The blocking checks of the data say it too, but they hold back what follows them in their own run, and a training
usually is a run of its own. So it asks again, of exactly its recipe; that costs a few small files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.data.quality import read_quality
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.manifest import Input, known_manifest, read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.pictures import decode_picture

if TYPE_CHECKING:
    from ocr_pipeline.recognition import Coverage

MAX_UNSAYABLE = 0.02
"""The share of labels that the tokenizer of the base may change."""

_ALTHOUGH = "or train all the same with the config `despite_checks: true`."

FaultsOf = Callable[[Path], Iterable[str]]
"""An artifact's faults; none if all is well."""


def counts_of(artifact: Path) -> Counts:
    """The counts of a published artifact; without a manifest counts that do not add up."""
    manifest = known_manifest(artifact)
    return manifest.counts if manifest else Counts(words_in=-1)


def count_faults(artifact: Path) -> Iterator[str]:
    """Pages and words in = out + quarantined."""
    counts = counts_of(artifact)
    if not counts.add_up:
        yield f"its counts do not add up: {counts}"


def crop_faults(artifact: Path) -> Iterator[str]:
    """The artifact holds as many crops as its manifest says, and its first, middle and last can be read."""
    reader, words = CropReader(artifact), counts_of(artifact).words_out
    if len(reader) != words:
        yield f"{len(reader)} crops, but the manifest says {words}"
    for place in _probes(len(reader)):
        crop = reader.read(place)
        if not crop.text or min(decode_picture(crop.image).shape[:2]) < 1:
            yield f"crop {place} is empty"


def page_faults(artifact: Path) -> Iterator[str]:
    """The LMDB holds as many pages as its manifest says; of three of them the picture has the size the record says."""
    reader, counts = LayoutReader(artifact), counts_of(artifact)
    samples = counts.notes.get("samples", counts.pages_out)
    if len(reader) != samples:
        yield f"{len(reader)} samples, but the manifest says {samples}"
    for place in _probes(len(reader)):
        image, record = reader.read(place)
        if decode_picture(image).shape[:2] != (record.height, record.width):
            yield f"page {record.image} is not {record.width}x{record.height}"


def _probes(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1}) if count else []


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
    """Let a recognizer be trained if its tokenizer can say the labels.

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
