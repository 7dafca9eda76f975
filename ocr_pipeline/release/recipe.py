"""The recipe of a training: which partitions it learns from and is validated on, and exactly which data that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ocr_pipeline.data.datasets import PARTITIONS, SourcePartition, source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.versions import kept_place

ArtifactOf = Callable[[str, str], Path]
"""(dataset, split) -> the artifact's path."""

ManifestOf = Callable[[Path], Manifest | None]


def chosen_partitions(keys: Sequence[str], *, fully_labelled: bool) -> list[SourcePartition]:
    """The partitions a training is made from: those named, else all that make sense.

    Args:
        fully_labelled: leave out the sets whose pages carry unlabelled printed text, which a detector would learn to
            overlook; what is named is taken in any case.

    Raises:
        PipelineError: there is no partition of such a name.
    """
    return [source_partition(key) for key in keys] or [
        partition for partition in PARTITIONS.values() if not (fully_labelled and partition.dataset.partly_labelled)
    ]


class NothingToLearnFromError(PipelineError):
    """No artifact that a training could learn from is published."""


@dataclass(frozen=True)
class Recipe:
    """The data of one training.

    Attributes:
        train, valid: artifacts that hold words.
        partitions: those that the artifacts are of.
        inputs: their names, fingerprints and roles, for the manifest.
        counts: pages and words to learn from (out is what is used).
    """

    train: tuple[Path, ...]
    valid: tuple[Path, ...]
    partitions: tuple[SourcePartition, ...]
    inputs: list[Input]
    counts: Counts

    @property
    def data(self) -> list[tuple[Path, Input]]:
        """Each artifact with what it is called in the manifest."""
        by_name = {artifact.name: artifact for artifact in (*self.train, *self.valid)}
        return [(by_name[item.name], item) for item in self.inputs]

    def as_kept(self) -> Recipe:
        """The same data where it stays as it is for as long as a training reads it, be it made anew meanwhile."""
        places = {artifact: kept_place(artifact, item.fingerprint) for artifact, item in self.data}
        train, valid = (tuple(map(places.__getitem__, artifacts)) for artifacts in (self.train, self.valid))
        return replace(self, train=train, valid=valid)


def choose_data(
    partitions: Sequence[str],
    artifact_of: ArtifactOf,
    *,
    fully_labelled: bool,
    manifest_of: ManifestOf = read_manifest,
) -> Recipe:
    """The published artifacts of the chosen partitions; sets that are absent stay quiet.

    Args:
        partitions, fully_labelled: as `chosen_partitions` takes them.
        manifest_of: `known_manifest` where nothing is to be read of the artifacts themselves.

    Raises:
        NothingToLearnFromError: nothing is published, or only to be validated on.
        PipelineError: there is no such partition, or a manifest is damaged.
    """
    chosen = chosen_partitions(partitions, fully_labelled=fully_labelled)
    train: list[Path] = []
    valid: list[Path] = []
    used: dict[str, SourcePartition] = {}
    inputs: list[Input] = []
    counts = Counts()
    for partition, split in _splits(chosen):
        artifact = artifact_of(partition.dataset.name, split)
        manifest = manifest_of(artifact)
        if manifest is None or manifest.counts.words_out == 0:
            continue
        used[partition.key] = partition
        if split == "valid":
            valid.append(artifact)
            inputs.append(Input(artifact.name, manifest.fingerprint, VALIDATION))
        else:
            train.append(artifact)
            inputs.append(Input(artifact.name, manifest.fingerprint))
            counts.pages_in += manifest.counts.pages_out
            counts.words_in += manifest.counts.words_out
    if not train:
        raise NothingToLearnFromError(
            "there is nothing to learn from",
            where=artifact_of("<dataset>", "<split>"),
            remedy="Materialise the data assets of at least one training partition first.",
        )
    counts.pages_out, counts.words_out = counts.pages_in, counts.words_in
    return Recipe(tuple(train), tuple(valid), tuple(used.values()), inputs, counts)


def _splits(partitions: Sequence[SourcePartition]) -> list[tuple[SourcePartition, str]]:
    return [(partition, split) for partition in partitions for split in partition.splits]
