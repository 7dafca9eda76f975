"""The partitions synthetic_train and synthetic_valid, drawn: below the output folder, as AI-Hub delivers its sets.

``drawn/synthetic/1.Training`` holds an archive of labels and one of pictures: pages with the corners of every word, and
single words each on a picture of its own. Page n and word n depend on the settings and on n alone, so any number of
workers, and a run after a kill, give the same bytes. The manifest beside it names every face and its licence.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import simplejpeg

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.datasets.synthetic import WORD
from ocr_pipeline.data.synthetic.crops import CropDrawing
from ocr_pipeline.data.synthetic.faces import Face, korean_faces, training_faces
from ocr_pipeline.data.synthetic.pages import KINDS, DrawnWord, draw_page
from ocr_pipeline.data.synthetic.settings import SyntheticSettings, drawn_from
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quad
from ocr_pipeline.parallel import in_order, worker_processes
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import Manifest, read_manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.renewal import ANYHOW
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_files, fingerprint_of
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "1"
QUALITY = 95  # of the JPEG; what a picture loses to a camera's was done to it when it was drawn
AHEAD = 8  # drawings under way for each worker
WORDS_AT_ONCE = 100
ILLEGIBLE = "###"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time


class Drawing(NamedTuple):
    """One picture, encoded, with its label document; ``stem`` is the name of both."""

    stem: str
    picture: bytes
    label: bytes
    words: int


def source_of(partition: SourcePartition, share: Share | None, workspace: Workspace) -> Share:
    """Where the labels and pictures of a partition lie: on the share or, of what is drawn, below the output folder.

    Raises:
        PipelineError: it lies on the share, and none is given.
    """
    if not partition.dataset.is_drawn:
        return share or Share.from_environment({})
    for split in partition.splits:
        read_manifest(workspace.drawn_source(partition.dataset.name, split))  # which fetches it from a depot
    return Share(workspace.drawn)


def draw_source(
    partition: SourcePartition,
    workspace: Workspace,
    settings: SyntheticSettings,
    *,
    workers: int = 1,
    rebuild: bool = False,
) -> Manifest:
    """Draw what a partition is made from; nothing is done where it is current.

    Raises:
        PipelineError: a face or a kind of pages is not there, or the output cannot be written.
    """
    (split,) = partition.splits
    faces, _ = _faces(settings), _kinds(settings)
    with publication(
        workspace.drawn_source(partition.dataset.name, split),
        stage="synthetic",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings=settings.recorded(),
        inputs=drawn_from(faces, settings.corpus),
        renewal=ANYHOW.also(rebuild),
        has_quarantine=False,
    ) as made:
        if made.current is None:
            _make(made, split, settings, workers)
    return made.manifest


def _faces(settings: SyntheticSettings) -> tuple[Face, ...]:
    known = {face.name: face for face in training_faces(korean_faces())}
    missing = [name for name in settings.faces if name not in known]
    if missing:
        raise PipelineError(
            "these typefaces are not on this machine, or are held out for judging",
            where=", ".join(missing),
            remedy=f"Choose from: {', '.join(known)}.",
        )
    return tuple(known[name] for name in settings.faces or known)


def _kinds(settings: SyntheticSettings) -> tuple[str, ...]:
    unknown = [kind for kind in settings.page_kinds if kind not in KINDS]
    if unknown:
        raise PipelineError(
            "no such kind of pages", where=", ".join(unknown), remedy=f"Choose from: {', '.join(KINDS)}."
        )
    return settings.page_kinds or tuple(KINDS)


def _make(made: Publication, split: str, settings: SyntheticSettings, workers: int) -> None:
    is_valid = split == "valid"
    pages, words = (settings.valid_pages, settings.valid_words) if is_valid else (settings.pages, settings.words)
    seed = 2 * settings.seed + is_valid
    tasks = [partial(_pages, settings, seed, index, index + 1) for index in range(pages)]
    tasks += [
        partial(_words, settings, seed, first, min(first + WORDS_AT_ONCE, words))
        for first in range(0, words, WORDS_AT_ONCE)
    ]
    progress = Progress(f"synthetic {split}", "pictures", pages + words)
    with made.folder() as draft, worker_processes(workers, _keep_to_one_thread) as executor:
        done = in_order(executor, _drawn, ((None, task) for task in tasks), AHEAD * workers)
        for drawing in _packed(draft, "V" if is_valid else "T", chain.from_iterable(part for _, part in done)):
            made.counts += Counts(1, 1, drawing.words, drawing.words)
            progress.advance()
        made.fingerprint = fingerprint_of(fingerprint_files(sorted(draft.iterdir()), draft).values())


def _packed(folder: Path, letter: str, drawings: Iterator[Drawing]) -> Iterator[Drawing]:
    """Put the drawings into the two archives, one after the other, as they come."""
    with (
        zipfile.ZipFile(folder / f"{letter}L.zip", "w") as labels,
        zipfile.ZipFile(folder / f"{letter}S.zip", "w") as pictures,
    ):
        for drawing in drawings:
            labels.writestr(zipfile.ZipInfo(f"{drawing.stem}.json", _LONG_AGO), drawing.label)
            pictures.writestr(zipfile.ZipInfo(f"{drawing.stem}.jpg", _LONG_AGO), drawing.picture)
            yield drawing


def _keep_to_one_thread() -> None:
    cv2.setNumThreads(1)


def _drawn(task: partial[list[Drawing]]) -> list[Drawing]:
    return task()


def _pages(settings: SyntheticSettings, seed: int, first: int, end: int) -> list[Drawing]:
    return [_page(settings, seed, index) for index in range(first, end)]


def _page(settings: SyntheticSettings, seed: int, index: int) -> Drawing:
    page = draw_page(seed, index, _faces_once(settings), settings.side, _kinds(settings))
    size = page.pixels.shape[1], page.pixels.shape[0]
    words = [(word.text, _corners(word, size)) for word in page.words]
    unclear = [(ILLEGIBLE, _corners(word, size)) for word in page.unclear]
    return _drawing(f"page_{seed}_{index:08d}", page.pixels, words + unclear)


def _words(settings: SyntheticSettings, seed: int, first: int, end: int) -> list[Drawing]:
    return [_word(_word_drawing(settings, seed), index) for index in range(first, end)]


def _word(drawing: CropDrawing, index: int) -> Drawing:
    crop = drawing.crop(index)
    height, width = crop.pixels.shape[:2]
    whole = ((0, 0), (width, 0), (width, height), (0, height))
    return _drawing(f"{WORD}{drawing.seed}_{index:08d}", crop.pixels, [(crop.text, whole)])


def _drawing(stem: str, pixels: np.ndarray, words: list[tuple[str, Quad]]) -> Drawing:
    height, width = pixels.shape[:2]
    boxes = [
        {"id": number, "data": text, "x": [a[0], d[0], b[0], c[0]], "y": [a[1], d[1], b[1], c[1]]}
        for number, (text, (a, b, c, d)) in enumerate(words, start=1)
    ]
    label = {"Images": {"identifier": stem, "type": "jpg", "width": width, "height": height}, "bbox": boxes}
    picture = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), QUALITY)
    return Drawing(stem, picture, msgspec.json.encode(label), len(words))


def _corners(word: DrawnWord, size: tuple[int, int]) -> Quad:
    """In whole pixels, within the page."""
    a, b, c, d = ((int(x), int(y)) for x, y in np.rint(np.clip(word.quad, 0, size)))
    return a, b, c, d


@cache
def _faces_once(settings: SyntheticSettings) -> tuple[Face, ...]:
    return _faces(settings)


@cache
def _word_drawing(settings: SyntheticSettings, seed: int) -> CropDrawing:
    return settings.drawing(_faces_once(settings), seed)
