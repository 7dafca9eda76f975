"""The inference assets: the inbox's pages through the detector, its words through the recognizer."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from ocr_pipeline import fast
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.execution.demands import MODEL
from ocr_pipeline.orchestration.metadata import counts_metadata, crop_table, encoded_picture
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.release.contest import RECOGNIZER
from ocr_pipeline.shown import read_csv
from ocr_pipeline.storage.artifacts.manifest import Input, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.pictures import pictures_in

CODE_VERSION = "1"
_SHOWN = 12


class DetectionConfig(dg.Config):
    """What to look at, and how."""

    images_dir: str = Field(default="", description="Folder of pages; empty: inbox/pages of the output folder.")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the GPU where there is one.")


@stage_asset("detections", "pytorch", CODE_VERSION, MODEL)
def detections(
    context: dg.AssetExecutionContext, config: DetectionConfig, locations: Locations
) -> dg.MaterializeResult:
    """Words found on the pages of the inbox: a drawn picture and a JSON file per page (guide, step 7)."""
    workspace = locations.workspace
    pages_dir = Path(config.images_dir) if config.images_dir else workspace.inbox / "pages"
    with (
        stage_run(context),
        _publication("detections", workspace.detections, upstream("fast_champion", workspace.fast_champion)) as made,
    ):
        made.retire()  # the pages of the folder are replaced one by one
        pages, errors = fast.detect_folder(
            workspace.fast_champion, pages_dir, workspace.detections, device=config.device
        )
        words = sum(len(page.words) for page in pages)
        reasons = {"page": _unreadable(len(errors)), "word": {}}
        made.counts = Counts(len(pages) + len(errors), len(pages), words, words, reasons)
        made.fingerprint = _fingerprint(sorted(workspace.detections.glob("*.json")))
    drawn = sorted(workspace.detections.glob("*.png"))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.fingerprint),
        metadata={
            **counts_metadata(made.counts),
            "errors": dg.MetadataValue.json(errors),
            "path": dg.MetadataValue.path(workspace.detections),
            **({"sample_page": encoded_picture(drawn[0].read_bytes())} if drawn else {}),
        },
    )


class PredictionConfig(dg.Config):
    """What to read, and how."""

    images_dir: str = Field(default="", description="Folder of crops; empty: inbox/words of the output folder.")
    base: str = Field(default="", description="Base model of adapters; empty: the one they were trained on.")
    device: str = Field(default="auto", description="auto, cpu or cuda.")
    batch_size: int = 16


@stage_asset("predictions", "csv", CODE_VERSION, MODEL)
def predictions(
    context: dg.AssetExecutionContext, config: PredictionConfig, locations: Locations
) -> dg.MaterializeResult:
    """The text of each crop of the inbox, as a CSV (guide, step 9)."""
    from ocr_pipeline import recognition

    workspace = locations.workspace
    words_dir = Path(config.images_dir) if config.images_dir else workspace.inbox / "words"
    with stage_run(context):
        champion = RECOGNIZER.champion(workspace)
        checkpoint = upstream(RECOGNIZER.champion_name, champion)
        with _publication("predictions", workspace.predictions, checkpoint) as made:
            how = recognition.Loading(device=config.device, base=config.base or None)
            paths = pictures_in(words_dir, deep=True)
            recognizer = recognition.load_recognizer(champion, how)
            made.retire()
            read = recognition.recognize_pictures(
                recognizer, paths, workspace.predictions, batch_size=config.batch_size
            )
            reasons = {"page": {}, "word": _unreadable(read.errors)}
            made.counts = Counts(0, 0, read.images, read.images - read.errors, reasons)
            made.fingerprint = _fingerprint([workspace.predictions])
    with workspace.predictions.open(encoding="utf-8-sig", newline="") as file:
        rows = list(zip(paths, islice(read_csv(file), _SHOWN), strict=False))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.fingerprint),
        metadata={
            **counts_metadata(made.counts),
            "path": dg.MetadataValue.path(workspace.predictions),
            "sample_words": crop_table((path.read_bytes(), row["text"]) for path, row in rows),
        },
    )


def _unreadable(count: int) -> dict[str, int]:
    return {"image_unreadable": count} if count else {}


def _publication(stage: str, artifact: Path, checkpoint: Input) -> AbstractContextManager[Publication]:
    """The inbox is no input that is known in full, so nothing counts as current."""
    return publication(
        artifact,
        stage=stage,
        partition="inbox",
        code_version=CODE_VERSION,
        settings={},
        inputs=[checkpoint],
        rebuild=True,
        has_quarantine=False,
    )


def _fingerprint(files: Iterable[Path]) -> str:
    return fingerprint_of(map(fingerprint_file, files))
