"""The data assets: labels, lookup, crops and detection data, one partition per data set and split."""

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import dagster as dg
import numpy as np

from ocr_pipeline.data import annotations as annotation_stage
from ocr_pipeline.data import layout_lmdb as layout_stage
from ocr_pipeline.data import lookup as lookup_stage
from ocr_pipeline.data import merged_json as merge_stage
from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import SourcePartition
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
from ocr_pipeline.devices.machine import LeaseSettings, leased_cpus
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.each_partition import each_partition
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.orchestration.execution.demands import CROPS, DATA, LAYOUT, SMALL
from ocr_pipeline.orchestration.execution.pieces import Order
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import (
    artifact_metadata,
    artifacts_metadata,
    markdown_table,
    picture,
    pictures_once,
    shown_crops,
    total_counts,
    two_sizes,
)
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.orchestration.versions import version_of
from ocr_pipeline.page import Page
from ocr_pipeline.release.ordered import draw_to_order
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.renewal import Renewal

Results = Iterator[dg.MaterializeResult]


@stage_asset("merged_json", "json", merge_stage.CODE_VERSION, DATA, config_schema=launchpad(Renewal))
def merged_json(context: dg.AssetExecutionContext, locations: Locations) -> Results:
    """Label files of the share, merged into one JSON document with one page on each line (guide, step 2)."""
    workspace = locations.workspace

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        with stage_run(context, partition.key):
            renewal = chosen(Renewal, context)
            drawn = draw_to_order(partition, workspace, workers=leased_cpus(), rebuild=renewal.rebuild)
            share = locations.source_of(partition)
            manifest = merge_labels(share, partition, workspace, workers=leased_cpus(), renewal=renewal)
            artifact = workspace.merged_json(partition.key)
            sample = {"sample_words": _sample_words(artifact, partition), **_drawn_from(drawn)}
        return _result(manifest.fingerprint, {**artifact_metadata(manifest, artifact), **sample})

    yield from each_partition(context, make)


@stage_asset("lookup", "pickle", lookup_stage.CODE_VERSION, SMALL, config_schema=launchpad(Renewal))
def lookup(context: dg.AssetExecutionContext, locations: Locations) -> Results:
    """Where the picture of each page lies, and which pages and pictures have no counterpart (guide, step 3)."""

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        with stage_run(context, partition.key):
            share, renewal = locations.source_of(partition), chosen(Renewal, context)
            manifest = build_lookup(share, partition, locations.workspace, renewal=renewal)
            version, artifact = manifest.fingerprint, locations.workspace.lookup(partition.key)
            sample = pictures_once(context, partition.key, version, lambda: _sample_page(locations, partition))
        return _result(version, {**sample, **artifact_metadata(manifest, artifact)})

    yield from each_partition(context, make)


@stage_asset(
    "annotations",
    "lmdb",
    annotation_stage.CODE_VERSION,
    CROPS,
    config_schema={**launchpad(AnnotationSettings), **launchpad(Renewal)},
)
def annotations(context: dg.AssetExecutionContext, locations: Locations) -> Results:
    """Word crops with their text, for the recognizer (guide, step 4)."""
    workspace = locations.workspace

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        with stage_run(context, partition.key):
            settings = chosen(AnnotationSettings, context, output_format="lmdb")  # which the trainings read
            share, renewal = locations.source_of(partition), chosen(Renewal, context)
            is_safe = settings.output_format == "lmdb"  # single files are written in their places
            order = Order.of("annotations", partition.key, locations, settings) if is_safe else None
            crew = leased_crew(workspace, leased_cpus(), order=None if renewal.rebuild else order)
            manifests = build_annotations(share, partition, workspace, settings, crew=crew, renewal=renewal)
            name, form = partition.dataset.name, settings.output_format
            artifacts = [workspace.annotations(name, split, form) for split in partition.splits]
            version = version_of("annotations", artifacts, manifests)
            sample = pictures_once(context, partition.key, version, lambda: _sample_crops(artifacts[0]))
        return _result(version, {**sample, **artifacts_metadata(manifests, artifacts)})

    yield from each_partition(context, make)


WORKERS = dg.Field(int, default_value=0, description="Processes that decode pictures; 0: one for each leased core.")


@stage_asset(
    "layout_lmdb",
    "lmdb",
    layout_stage.CODE_VERSION,
    LAYOUT,
    config_schema={**launchpad(LayoutSettings), **launchpad(Renewal), "workers": WORKERS},
)
def layout_lmdb(context: dg.AssetExecutionContext, locations: Locations) -> Results:
    """Pages with word quads and layout regions, for the detector (guide, step 5)."""
    workspace = locations.workspace
    workers = context.op_execution_context.op_config["workers"] or leased_cpus()

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        with stage_run(context, partition.key):
            settings, renewal = chosen(LayoutSettings, context), chosen(Renewal, context)
            share = locations.source_of(partition)
            order = Order.of("layout_lmdb", partition.key, locations, settings)
            has_model = settings.suited_to(partition.dataset.documents).model != NO_MODEL
            gpus = LeaseSettings.from_environment(os.environ).gpus if has_model else 0
            crew = leased_crew(workspace, workers, gpus=gpus, order=None if renewal.rebuild else order)
            manifests = build_layouts(share, partition, workspace, settings, crew=crew, renewal=renewal)
            artifacts = [workspace.layout_lmdb(partition.dataset.name, split) for split in partition.splits]
            version = version_of("layout_lmdb", artifacts, manifests)
            sample = pictures_once(context, partition.key, version, lambda: _sample_records(artifacts[0]))
            found = {
                "layout_model": _layout_model(manifests[0], partition),
                **_layout_metadata(total_counts(manifests)),
            }
        return _result(version, {**sample, **artifacts_metadata(manifests, artifacts), **found})

    yield from each_partition(context, make)


def _result(version: str, metadata: dict) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version))


def _sample_words(artifact: Path, partition: SourcePartition) -> dg.MetadataValue:
    page = next(iter(read_pages(artifact, partition)), None)
    if page is None:
        return dg.MetadataValue.text("This partition holds no pages: its data set is not on the share.")
    rows = [(page.image, str(word.id), word.text, word.state) for word in page.words[:10]]
    return markdown_table(("page", "word", "text", "state"), rows)


def _drawn_from(drawn: Manifest | None) -> dict[str, dg.MetadataValue]:
    """The typefaces and words that a drawn partition is made of."""
    if drawn is None:
        return {}
    return {
        "drawn_from": markdown_table(("what", "fingerprint"), [(one.name, one.fingerprint) for one in drawn.inputs])
    }


def _sample_page(locations: Locations, partition: SourcePartition) -> dict[str, dg.MetadataValue]:
    """The first page whose picture can be read, with its labelled quads: does the lookup match the labels?"""
    share, found = locations.source_of(partition), load_lookup(locations.workspace, partition)
    for page in islice(read_pages(locations.workspace.merged_json(partition.key), partition), 5):
        path = found.find(page)
        if isinstance(path, str):
            with contextlib.suppress(ValueError):  # what cannot be decoded is reported by the stages that need pixels
                return two_sizes("sample_page", _draw_page(share.read(share.below_root(path)), page))
    return {}


def _draw_page(image: bytes, page: Page) -> np.ndarray:
    words = tuple(LayoutWord(quad=word.quad, text=word.text, state=word.state, id=word.id) for word in page.words)
    record = LayoutRecord(page.dataset, page.split, page.image, page.label, page.width, page.height, words)
    return draw_record(image, record)


def _sample_crops(artifact: Path) -> dict[str, dg.MetadataValue]:
    reader = CropReader(artifact)
    crops = [reader.read(place) for place in range(min(12, len(reader)))]
    return shown_crops("sample_crops", [(crop.image, crop.text) for crop in crops])


def _sample_records(artifact: Path) -> dict[str, dg.MetadataValue]:
    """The first, middle and last sample, with words, regions and ignored areas drawn."""
    reader = LayoutReader(artifact)
    if not len(reader):
        return {}
    first, *others = sorted({0, len(reader) // 2, len(reader) - 1})
    more = {f"sample_page_{n}": picture(draw_record(*reader.read(place))) for n, place in enumerate(others, start=2)}
    return {**two_sizes("sample_page", draw_record(*reader.read(first))), **more}


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
