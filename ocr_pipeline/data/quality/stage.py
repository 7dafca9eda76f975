"""Merged JSON, lookup and crops of a partition -> ``quality/<partition>_quality.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from ocr_pipeline.data.datasets import EVERY_PARTITION, SourcePartition
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.data.picture_size import OTHER_SIZE_NOTES
from ocr_pipeline.data.quality.duplicates import compare_pages
from ocr_pipeline.data.quality.labels import character_groups
from ocr_pipeline.data.quality.measuring import Meter
from ocr_pipeline.data.quality.page_index import index_inputs, page_index
from ocr_pipeline.data.quality.published import compare_counts
from ocr_pipeline.data.quality.record import Comparison, Quality
from ocr_pipeline.data.quality.samples import take_samples, wanted_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, known_manifest, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "2"


@dataclass(frozen=True)
class QualitySettings(Settings):
    """What the user chooses about the measurement."""

    seconds: Annotated[
        float | None,
        Setting(
            "Seconds for comparing the contents of pictures of equal size; unset: all it takes. What there was no time "
            "for is counted as not compared.",
            env="OCR_PIPELINE_QUALITY_SECONDS",
            least=0,
        ),
    ] = None


def measure_quality(
    share: Share, partition: SourcePartition, workspace: Workspace, settings: QualitySettings = QualitySettings()
) -> Manifest:
    """Publish what is known of one partition before training; does nothing if nothing changed.

    It is compared with the partitions of its data set that are published by now; crops are counted where there are
    any.

    Raises:
        PipelineError: merged JSON or lookup is not published, or the share does not answer.
    """
    target = workspace.quality(partition.key)
    family = list(_published_family(partition, workspace))
    inputs = [*index_inputs(partition, workspace), *_family_inputs(partition, family, workspace)]
    crops = _crops(partition, workspace)
    inputs += [Input(name, manifest.fingerprint) for name, manifest in crops.items()]
    with publication(
        target,
        stage="data_quality",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings={"seconds": settings.seconds},
        inputs=inputs,
        has_quarantine=False,
    ) as made:
        if made.current is None:
            share.check()
            quality = _measure(share, partition, family, workspace, settings)
            quality.crops = {name: manifest.counts.words_out for name, manifest in crops.items()}
            quality.other_size = {name: _of_other_size(manifest.counts) for name, manifest in crops.items()}
            with made.file() as draft:
                draft.write_bytes(msgspec.json.format(msgspec.json.encode(quality), indent=1) + b"\n")
            pages, words = quality.page_count, quality.word_count
            made.lead_back_to(workspace.merged_json(partition.key))
            made.counts, made.fingerprint = Counts(pages, pages, words, words), fingerprint_file(target)
    return made.manifest


def read_quality(path: Path) -> Quality:
    """The published numbers of a partition.

    Raises:
        PipelineError: there are none, or they cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Quality)
    except FileNotFoundError as error:
        raise PipelineError(
            "data quality is not measured yet", where=path, remedy="Run `ocr-pipeline quality` first."
        ) from error
    except msgspec.DecodeError as error:
        raise PipelineError(
            f"the file cannot be read ({error})", where=path, remedy="Delete it and run `ocr-pipeline quality` again."
        ) from error


def _measure(
    share: Share,
    partition: SourcePartition,
    family: list[SourcePartition],
    workspace: Workspace,
    settings: QualitySettings,
) -> Quality:
    indexes = {member.key: page_index(share, member, workspace) for member in family}
    comparison = compare_pages(share, partition.key, indexes, settings.seconds)
    meter = Meter(partition.dataset.name)
    pages = read_pages(workspace.merged_json(partition.key), partition)
    meter.measure(pages, load_lookup(workspace, partition))
    return _quality(share, partition, _merged_counts(family, workspace), meter, comparison)


def _quality(
    share: Share, partition: SourcePartition, counts: Mapping[str, Counts], meter: Meter, comparison: Comparison
) -> Quality:
    return Quality(
        partition=partition.key,
        dataset=partition.dataset.name,
        title=partition.dataset.title,
        pages=dict(sorted(meter.pages.items())),
        words=dict(sorted(meter.words.items())),
        words_ignored=meter.ignored,
        crops={},
        published=list(compare_counts(partition, counts)),
        characters=dict(sorted(meter.characters.items(), key=lambda item: (-item[1], item[0]))),
        groups=character_groups(meter.characters),
        text_lengths=meter.text_lengths,
        words_per_page=meter.words_per_page,
        boxes=meter.boxes,
        suspicions=meter.suspicions,
        comparison=comparison,
        samples=take_samples(share, wanted_samples(meter, comparison)),
    )


def _published_family(partition: SourcePartition, workspace: Workspace) -> Iterator[SourcePartition]:
    """The partition itself and those of its data set whose pages and pictures are published."""
    for member in EVERY_PARTITION.values():
        if member.key == partition.key:
            yield member
        elif member.dataset.name == partition.dataset.name:
            artifacts = workspace.merged_json(member.key), workspace.lookup(member.key)
            if all(map(read_manifest, artifacts)):
                yield member


def _family_inputs(partition: SourcePartition, family: list[SourcePartition], workspace: Workspace) -> Iterator[Input]:
    for member in family:
        if member.key != partition.key:
            for item in index_inputs(member, workspace):
                yield Input(f"{item.name} {member.key}", item.fingerprint)


def _merged_counts(family: list[SourcePartition], workspace: Workspace) -> dict[str, Counts]:
    manifests = {member.key: read_manifest(workspace.merged_json(member.key)) for member in family}
    return {key: manifest.counts for key, manifest in manifests.items() if manifest}


def _crops(partition: SourcePartition, workspace: Workspace) -> dict[str, Manifest]:
    artifacts = STAGES["annotations"].artifacts(workspace, [partition])
    manifests = {artifact.name: known_manifest(artifact) for artifact in artifacts}
    return {name: manifest for name, manifest in manifests.items() if manifest}


def _of_other_size(counts: Counts) -> int:
    return counts.reasons["page"].get("size_differs", 0) + sum(counts.notes.get(note, 0) for note in OTHER_SIZE_NOTES)
