"""Who may judge the labels of a partition: a recognizer that did not learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.review import Readers, SuspectSettings
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import Detector
from ocr_pipeline.judging.contestants.contestant import Opening, Read
from ocr_pipeline.judging.contestants.tesseract import open_tesseract
from ocr_pipeline.models import FAST_KOREAN, KOREAN_WORDS
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.interface import Loading, Reading, TextRecognizer
from ocr_pipeline.release.contest import RECOGNIZER
from ocr_pipeline.storage.artifacts.manifest import Manifest, read_manifest
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.given_pictures import GivenPicture, rgb_pixels

TESSERACT = "tesseract"


def readers_of(workspace: Workspace, partition: SourcePartition, settings: SuspectSettings) -> Readers:
    """Those who look at the pages of a partition, ready to read.

    Raises:
        PipelineError: a checkpoint cannot be used, or has learnt from these labels.
    """
    first = _asked_for(settings.reader, partition) if settings.reader else honest_reader(workspace, partition)
    by_name: dict[str, TextRecognizer] = {first[0]: load_recognizer(first[1], Loading(settings.device))}
    if settings.second_reader:
        by_name[settings.second_reader] = _second(workspace, settings)
    finder = Detector(FAST_KOREAN, device=settings.device) if settings.search else None
    return Readers(by_name, finder, settings.batch_size)


def honest_reader(workspace: Workspace, partition: SourcePartition) -> tuple[str, str | Path]:
    """Name and place of the champion, where it never met the partition, else of the base that is shipped.

    A champion that was validated on the partition was chosen by its labels, and may not judge them either.
    """
    champion = RECOGNIZER.champions(workspace).in_use()
    if champion is None or has_met(champion.manifest, workspace, partition):
        return KOREAN_WORDS, KOREAN_WORDS
    return "champion", champion.checkpoint


def has_met(manifest: Manifest, workspace: Workspace, partition: SourcePartition) -> bool:
    """Whether a recognizer learnt from a partition, or was chosen by it."""
    theirs = {artifact.name for artifact in STAGES["annotations"].artifacts(workspace, [partition])}
    return any(item.name in theirs for item in manifest.inputs)


def _asked_for(reader: str, partition: SourcePartition) -> tuple[str, str]:
    manifest = read_manifest(Path(reader))
    if manifest and has_met(manifest, Workspace(Path(reader).parent), partition):
        raise PipelineError(
            f"this recognizer learnt from {partition.key}, and would repeat what is wrong in it",
            where=reader,
            remedy=f"Name one that never met it, such as {KOREAN_WORDS}.",
        )
    return reader, reader


class _Program(NamedTuple):
    """A contestant that is no model of ours, as a recognizer."""

    fingerprint: str
    read: Read

    def read_crops(self, crops: Sequence[GivenPicture]) -> list[Reading]:
        """The texts of crops, in their order."""
        return self.read([rgb_pixels(crop) for crop in crops])


def _second(workspace: Workspace, settings: SuspectSettings) -> TextRecognizer:
    if settings.second_reader != TESSERACT:
        return load_recognizer(str(settings.second_reader), Loading(settings.device))
    opened = open_tesseract(Opening(workspace, settings.device, settings.batch_size, ExitStack()))
    assert opened.read, "Tesseract reads crops"
    return _Program(opened.version, opened.read)
