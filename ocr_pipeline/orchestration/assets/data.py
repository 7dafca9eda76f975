"""The data assets: labels, lookup, crops and detection data, one partition per data set and split."""

import contextlib
from itertools import islice
from pathlib import Path

import dagster as dg
import numpy as np

from ocr_pipeline.data import annotations as annotation_stage
from ocr_pipeline.data import layout_lmdb as layout_stage
from ocr_pipeline.data import lookup as lookup_stage
from ocr_pipeline.data import merged_json as merge_stage
from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.layout_lmdb import (
    NO_MODEL,
    LayoutReader,
    LayoutRecord,
    LayoutSettings,
    LayoutWord,
    build_layouts,
    draw_record,
)
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.devices.machine import leased_cpus
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.execution.demands import DATA, LAYOUT, SMALL
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import (
    artifact_metadata,
    artifacts_metadata,
    crop_table,
    markdown_table,
    picture,
    total_counts,
)
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.page import Page
from ocr_pipeline.storage.artifacts.loss_limit import LossLimit
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_of


@stage_asset("merged_json", "json", merge_stage.CODE_VERSION, DATA, config_schema=launchpad(LossLimit))
def merged_json(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """Label files of the share, merged into one JSON document with one page on each line (guide, step 2)."""
    partition = source_partition(context.partition_key)
    with stage_run(context):
        limit = chosen(LossLimit, context)
        manifest = merge_labels(
            locations.share, partition, locations.workspace, workers=leased_cpus(), loss_limit=limit
        )
        artifact = locations.workspace.merged_json(partition.key)
        sample = {"sample_words": _sample_words(artifact, partition)}
    return _result(manifest.fingerprint, {**artifact_metadata(manifest, artifact), **sample})


@stage_asset("lookup", "pickle", lookup_stage.CODE_VERSION, SMALL, config_schema=launchpad(LossLimit))
def lookup(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """Where the picture of each page lies, and which pages and pictures have no counterpart (guide, step 3)."""
    partition = source_partition(context.partition_key)
    with stage_run(context):
        manifest = build_lookup(locations.share, partition, locations.workspace, loss_limit=chosen(LossLimit, context))
        artifact = locations.workspace.lookup(partition.key)
        sample = _sample_page(locations, partition)
    return _result(manifest.fingerprint, {**artifact_metadata(manifest, artifact), **sample})


@stage_asset(
    "annotations",
    "lmdb",
    annotation_stage.CODE_VERSION,
    DATA,
    config_schema={**launchpad(AnnotationSettings), **launchpad(LossLimit)},
)
def annotations(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """Word crops with their text, for the recognizer (guide, step 4)."""
    partition, workspace = source_partition(context.partition_key), locations.workspace
    with stage_run(context):
        settings = chosen(AnnotationSettings, context, output_format="lmdb")  # which the trainings read
        limit = chosen(LossLimit, context)
        manifests = build_annotations(
            locations.share, partition, workspace, settings, workers=leased_cpus(), loss_limit=limit
        )
        artifacts = [
            workspace.annotations(partition.dataset.name, split, settings.output_format) for split in partition.splits
        ]
        sample = {"sample_crops": crop_table(_sample_crops(artifacts[0]))}
    return _result(_version(manifests), {**artifacts_metadata(manifests, artifacts), **sample})


WORKERS = dg.Field(int, default_value=0, description="Processes that decode pictures; 0: one for each leased core.")


@stage_asset(
    "layout_lmdb",
    "lmdb",
    layout_stage.CODE_VERSION,
    LAYOUT,
    config_schema={**launchpad(LayoutSettings), **launchpad(LossLimit), "workers": WORKERS},
)
def layout_lmdb(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """Pages with word quads and layout regions, for the detector (guide, step 5)."""
    partition, workspace = source_partition(context.partition_key), locations.workspace
    with stage_run(context):
        settings, workers = (
            chosen(LayoutSettings, context),
            context.op_execution_context.op_config["workers"] or leased_cpus(),
        )
        limit = chosen(LossLimit, context)
        manifests = build_layouts(locations.share, partition, workspace, settings, workers=workers, loss_limit=limit)
        artifacts = [workspace.layout_lmdb(partition.dataset.name, split) for split in partition.splits]
        shown = {
            "layout_model": _layout_model(manifests[0], partition),
            **_layout_metadata(total_counts(manifests)),
            **_sample_records(artifacts[0]),
        }
    return _result(_version(manifests), {**artifacts_metadata(manifests, artifacts), **shown})


def _result(version: str, metadata: dict) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version))


def _version(manifests: list[Manifest]) -> str:
    return fingerprint_of(manifest.fingerprint for manifest in manifests)


def _sample_words(artifact: Path, partition: SourcePartition) -> dg.MetadataValue:
    page = next(iter(read_pages(artifact, partition)), None)
    if page is None:
        return dg.MetadataValue.text("This partition holds no pages: its data set is not on the share.")
    rows = [(page.image, str(word.id), word.text, word.state) for word in page.words[:10]]
    return markdown_table(("page", "word", "text", "state"), rows)


def _sample_page(locations: Locations, partition: SourcePartition) -> dict[str, dg.MetadataValue]:
    """The first page whose picture can be read, with its labelled quads: does the lookup match the labels?"""
    share, found = locations.share, load_lookup(locations.workspace, partition)
    for page in islice(read_pages(locations.workspace.merged_json(partition.key), partition), 5):
        path = found.find(page)
        if isinstance(path, str):
            with contextlib.suppress(ValueError):  # what cannot be decoded is reported by the stages that need pixels
                return {"sample_page": picture(_draw_page(share.read(share.below_root(path)), page))}
    return {}


def _draw_page(image: bytes, page: Page) -> np.ndarray:
    words = tuple(LayoutWord(quad=word.quad, text=word.text, state=word.state, id=word.id) for word in page.words)
    record = LayoutRecord(page.dataset, page.split, page.image, page.label, page.width, page.height, words)
    return draw_record(image, record)


def _sample_crops(artifact: Path) -> list[tuple[bytes, str]]:
    reader = CropReader(artifact)
    crops = [reader.read(place) for place in range(min(12, len(reader)))]
    return [(crop.image, crop.text) for crop in crops]


def _sample_records(artifact: Path) -> dict[str, dg.MetadataValue]:
    """The first, middle and last sample, with words, regions and ignored areas drawn."""
    reader = LayoutReader(artifact)
    places = sorted({0, len(reader) // 2, len(reader) - 1}) if len(reader) else []
    names = ("sample_page", "sample_page_2", "sample_page_3")
    return {name: picture(draw_record(*reader.read(place))) for name, place in zip(names, places, strict=False)}


def _layout_model(manifest: Manifest, partition: SourcePartition) -> str:
    """Which model ran, or why none did."""
    made_with = manifest.settings
    if made_with.get("engine", NO_MODEL) != NO_MODEL:
        return f"{made_with['model']} ({made_with['engine']}, weights {made_with['weights']})"
    if not partition.dataset.documents:
        return "none: scene pictures never meet the layout model, which was made for documents"
    return "none: no model is named; set FAST_LAYOUT_MODEL=PP-DocLayoutV2 or this asset's config"


def _layout_metadata(counts: Counts) -> dict[str, dg.MetadataValue | float]:
    """Regions by label, and the shares of what no region holds; nothing where no layout model ran."""
    regions = {name.removeprefix("regions_"): n for name, n in counts.notes.items() if name.startswith("regions_")}
    if not regions and "pages_without_region" not in counts.notes:
        return {}
    rows = [dg.TableRecord({"label": label, "regions": count}) for label, count in sorted(regions.items())]
    words, pages = (counts.notes.get(f"{unit}_without_region", 0) for unit in ("words", "pages"))
    return {
        "words_without_region_share": words / max(counts.words_in, 1),
        "pages_without_region": float(pages),
        **({"regions": dg.MetadataValue.table(rows)} if rows else {}),
    }
