"""The inference assets: pages of the inbox through the detector, words through the recognizer, pages through both."""

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import dagster as dg

from ocr_pipeline import fast, reading
from ocr_pipeline.devices.machine import LeaseSettings
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.orchestration.execution.demands import MODEL, READING
from ocr_pipeline.orchestration.execution.pieces import Order
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import counts_metadata, markdown_table, shown_crops, two_sizes
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.reading.settings import PageReading
from ocr_pipeline.recognition.settings import FolderReading
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.shown import read_csv
from ocr_pipeline.storage.artifacts.manifest import Input
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.pictures import decode_picture, pictures_in

CODE_VERSION = "2"
_SHOWN = 12


_DETECTS = launchpad(fast.FastPrediction, without=("checkpoint", "output", "overwrite"))
_READS_PAGES = launchpad(PageReading, without=("detector", "recognizer"))
_READS = launchpad(FolderReading, without=("ckpt", "output_csv", "overwrite", "clean_repeats"))


@stage_asset("detections", "pytorch", CODE_VERSION, MODEL, config_schema=_DETECTS)
def detections(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """Words found on the pages of the inbox or of `image`: a drawn picture and a JSON file per page (guide, step 7)."""
    workspace = locations.workspace
    with (
        stage_run(context),
        _publication("detections", workspace.detections, workspace, DETECTOR) as (made, [champion]),
    ):
        made.retire()  # the pages of the folder are replaced one by one
        where = {"checkpoint": champion, "output": workspace.detections, "image": (workspace.inbox / "pages",)}
        pages, errors = fast.predict(chosen(fast.FastPrediction, context, **where, overwrite=True))
        words = sum(len(page.words) for page in pages)
        reasons = {"page": _unreadable(len(errors)), "word": {}}
        made.counts = Counts(len(pages) + len(errors), len(pages), words, words, reasons)
        made.fingerprint = _fingerprint(sorted(workspace.detections.glob("*.json")))
    drawn = sorted(workspace.detections.glob("*.png"))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.fingerprint),
        metadata={
            **(two_sizes("sample_page", decode_picture(drawn[0].read_bytes(), "RGB")) if drawn else {}),
            **counts_metadata(made.counts),
            "errors": dg.MetadataValue.json({Path(path).name: reason for path, reason in errors.items()}),
            "path": dg.MetadataValue.path(workspace.detections),
        },
    )


@stage_asset("predictions", "csv", CODE_VERSION, MODEL, config_schema=_READS)
def predictions(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """The text of each crop of the inbox, or of `images_dir`, as a CSV (guide, step 9)."""
    from ocr_pipeline import recognition

    workspace = locations.workspace
    where = {"images_dir": workspace.inbox / "words", "output_csv": workspace.predictions}
    settings = chosen(FolderReading, context, **where)
    with (
        stage_run(context),
        _publication("predictions", workspace.predictions, workspace, RECOGNIZER) as (made, [champion]),
    ):
        paths = pictures_in(settings.images_dir, deep=True)
        recognizer = recognition.load_recognizer(champion, settings.loading)
        made.retire()
        read = recognition.recognize_pictures(recognizer, paths, workspace.predictions, batch_size=settings.batch_size)
        reasons = {"page": {}, "word": _unreadable(read.errors)}
        made.counts = Counts(0, 0, read.images, read.images - read.errors, reasons)
        made.fingerprint = _fingerprint([workspace.predictions])
    with workspace.predictions.open(encoding="utf-8-sig", newline="") as file:
        rows = list(zip(paths, islice(read_csv(file), _SHOWN), strict=False))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.fingerprint),
        metadata={
            **shown_crops("sample_words", [(path.read_bytes(), row["text"]) for path, row in rows if not row["error"]]),
            **counts_metadata(made.counts),
            "path": dg.MetadataValue.path(workspace.predictions),
        },
    )


@stage_asset("readings", "pdf", CODE_VERSION, READING, config_schema=_READS_PAGES)
def readings(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """The text of each page of the inbox in reading order, and its other forms, through both champions."""
    workspace = locations.workspace
    settings = chosen(PageReading, context)
    with (
        stage_run(context),
        _publication("readings", workspace.readings, workspace, DETECTOR, RECOGNIZER) as (made, [detector, recognizer]),
    ):
        settings = replace(settings, detector=detector, recognizer=str(recognizer))
        made.retire()  # the readings of the folder are replaced one by one
        gpus = LeaseSettings.from_environment(os.environ).gpus
        crew = leased_crew(workspace, 1, gpus=gpus, order=Order.of("readings", "", locations, settings))
        read = reading.spread_paths(settings, crew, [workspace.inbox / "pages"], workspace.readings)
        pages = list(read.read_pages())
        words = sum(1 for page in pages for _ in page.words)
        reasons = {"page": _unreadable(len(read.errors)), "word": {}}
        made.counts = Counts(len(pages) + len(read.errors), len(pages), words, words, reasons)
        made.fingerprint = _fingerprint(place.record for place in read.places)
        paths = [workspace.inbox / "pages" / place.name for place in read.places[:1]]
        first = reading.open_document(paths[0], settings).load(1) if paths else None
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.fingerprint),
        metadata={
            **(_shown_reading(first, pages) if first else {}),
            **counts_metadata(made.counts),
            "errors": dg.MetadataValue.json({Path(path).name: reason for path, reason in read.errors.items()}),
            "path": dg.MetadataValue.path(workspace.readings),
        },
    )


def _shown_reading(first: reading.Sheet, pages: Sequence[reading.ReadPage]) -> dict[str, dg.MetadataValue]:
    """The first page with its words and its text, and the lines that nobody is sure of."""
    lines = ((line.confidence, page, line.text) for page in pages for line in page.lines)
    unsure = heapq.nsmallest(_SHOWN, lines, key=lambda line: line[0])
    rows = [(f"{sure:.3f}", f"{page.image}, page {page.number}", text) for sure, page, text in unsure]
    return {
        **two_sizes("sample_page", reading.draw_reading(first.pixels, pages[0])),
        "sample_text": markdown_table(("text",), ((line.text,) for line in pages[0].lines)),
        "least_sure_lines": markdown_table(("confidence", "page", "text"), rows),
    }


def _unreadable(count: int) -> dict[str, int]:
    return {"image_unreadable": count} if count else {}


@contextmanager
def _publication(
    stage: str, artifact: Path, workspace: Workspace, *contests: Contest
) -> Iterator[tuple[Publication, list[Path]]]:
    """What champions make, with their checkpoints; the inbox is not known in full, so nothing counts as current."""
    champions = [contest.in_use(workspace) for contest in contests]
    with publication(
        artifact,
        stage=stage,
        partition="inbox",
        code_version=CODE_VERSION,
        settings={},
        inputs=[
            Input(contest.champion_name, champion.manifest.fingerprint)
            for contest, champion in zip(contests, champions, strict=True)
        ],
        renewal=ANYHOW.also(rebuild=True),
        has_quarantine=False,
    ) as made:
        yield made, [champion.checkpoint for champion in champions]


def _fingerprint(files: Iterable[Path]) -> str:
    return fingerprint_of(map(fingerprint_file, files))
