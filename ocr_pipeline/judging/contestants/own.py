"""Our own models: those that are shipped, those in use, those before them, and any checkpoint by its path.

Any recognizer that this pipeline loads is a contestant too: PP-OCR's Korean one and ko-trocr by their folders.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import Detector
from ocr_pipeline.judging.contestants.contestant import Contestant, Opening, Read, Seen
from ocr_pipeline.page import Quad
from ocr_pipeline.reading import Reader, Sheet
from ocr_pipeline.reading.pipeline import WordDetector, find_words, read_crops
from ocr_pipeline.recognition import Loading, load_recognizer
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.storage.artifacts.workspace import Workspace


def shipped(opening: Opening) -> Contestant:
    """The weights that come with this package."""
    return _of_reader("shipped", Reader(device=opening.device, batch_size=opening.batch_size))


def champion(opening: Opening) -> Contestant:
    """The checkpoints in use."""
    found = Reader.champions(opening.workspace.root, device=opening.device, batch_size=opening.batch_size)
    return _of_reader("champion", found)


def before(opening: Opening) -> Contestant:
    """The checkpoints that were in use before: of the two, each that has changed since it was first there."""
    if not has_before(opening.workspace):
        raise PipelineError(
            "there is no champion before this one",
            where=opening.workspace.root,
            remedy="Leave out the contestant `before`: there is one when a second champion was promoted.",
        )
    models = (_before_or_in_use(contest, opening.workspace) for contest in (DETECTOR, RECOGNIZER))
    return _of_reader("before", Reader(*models, device=opening.device, batch_size=opening.batch_size))


def has_before(workspace: Workspace) -> bool:
    """Whether a champion of either kind took the place of another."""
    return any(contest.champions(workspace).previous.exists() for contest in (DETECTOR, RECOGNIZER))


def _before_or_in_use(contest: Contest, workspace: Workspace) -> Path:
    previous = contest.champions(workspace).previous
    return previous if previous.exists() else contest.in_use(workspace).checkpoint


def reader(opening: Opening) -> Contestant:
    """A detector and a recognizer: ``reader=DETECTOR,RECOGNIZER``."""
    finds, comma, reads = opening.place.partition(",")
    if not comma:
        raise PipelineError(
            "a reader is a detector and a recognizer", where=f"reader={opening.place}", remedy="Name both: reader=A,B."
        )
    name = f"{_short(finds)} + {_short(reads)}"
    return _of_reader(name, Reader(finds, reads, device=opening.device, batch_size=opening.batch_size))


def detector(opening: Opening) -> Contestant:
    """A FAST checkpoint: ``detector=PATH``."""
    finds = Detector(Path(opening.place), device=opening.device)
    return Contestant(_short(opening.place), finds.fingerprint, partial(_find, finds))


def recognizer(opening: Opening) -> Contestant:
    """Any recognizer: ``recognizer=PATH``, or the name of a model."""
    reads = load_recognizer(opening.place, Loading(opening.device))
    return Contestant(_short(opening.place), reads.fingerprint, read=partial(read_crops, reads, opening.batch_size))


def _of_reader(name: str, whole: Reader) -> Contestant:
    finds, reads, batch_size, _ = whole.models
    read = partial(read_crops, reads, batch_size)
    return Contestant(name, whole.fingerprint, partial(_look, finds, read), True, read)


def _look(finds: WordDetector, read: Read, pixels: np.ndarray) -> list[Seen]:
    found = find_words(finds, Sheet("", 1, pixels))
    return [Seen(quad, *reading) for quad, reading in zip(found.quads, read(found.crops), strict=True)]


def _find(finds: Detector, pixels: np.ndarray) -> list[Seen]:
    return [Seen(_corners(box.polygon), "", box.score) for box in finds.detect(pixels)]


def _corners(polygon: np.ndarray) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in polygon)
    return a, b, c, d


def _short(place: str) -> str:
    """The last two parts of a path tell enough, and nothing of this machine."""
    return "/".join(Path(place).parts[-2:])
