"""Pages drawn to order as a layout LMDB: what a detector learns from where there are no labels, or before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np

from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord, LayoutWord
from ocr_pipeline.data.layout_lmdb.format.writer import write_layout_samples
from ocr_pipeline.data.synthetic import SMALLEST_SIDE, DrawnPage, DrawnWord, Face, draw_page
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import State
from ocr_pipeline.parallel import in_order, worker_processes
from ocr_pipeline.progress import Progress
from ocr_pipeline.settings import Setting, Settings

Split = Literal["train", "valid"]

DRAWN_VERSION = "1"
_AHEAD = 8  # pages for each worker
_QUALITY = 95  # what a page may lose to JPEG was done to it when it was drawn


@dataclass(frozen=True)
class DrawnLayouts(Settings):
    """How pages are drawn."""

    side: Annotated[int, Setting("Shorter side of a page in pixels.", least=SMALLEST_SIDE)] = 512
    seed: Annotated[int, Setting("Another seed draws other pages; the two splits never share one.", least=0)] = 0


def draw_layouts(
    folder: Path,
    split: Split,
    pages: int,
    faces: Sequence[Face],
    settings: DrawnLayouts = DrawnLayouts(),
    *,
    workers: int = 1,
) -> Path:
    """Draw ``synthetic_<split>_layout.lmdb``; the same arguments give the same bytes, whatever the number of workers.

    Args:
        faces: to draw in; their names, fingerprints and licences go into the LMDB. FreeType's versions differ by
            shades of grey, so equal bytes are promised for one environment.

    Returns:
        the LMDB, which appears whole or not at all.

    Raises:
        PipelineError: no page, no face, or pages too small for words are asked for.
    """
    _check(folder, pages, faces, settings)
    draw = partial(_sample, split, _seed_of(split, settings.seed), tuple(faces), settings.side)
    path = folder / f"synthetic_{split}_layout.lmdb"
    meta = {
        "engine": "drawn",
        "version": DRAWN_VERSION,
        "seed": settings.seed,
        "side": settings.side,
        "faces": [{"name": face.name, "fingerprint": face.fingerprint, "licence": face.licence} for face in faces],
    }
    with worker_processes(workers, _keep_to_one_thread) as executor:
        tasks = ((None, index) for index in range(pages))
        samples = (sample for _, sample in in_order(executor, draw, tasks, _AHEAD * workers))
        write_layout_samples(path, _shown(samples, path, pages), meta)
    return path


def _check(folder: Path, pages: int, faces: Sequence[Face], settings: DrawnLayouts) -> None:
    if pages < 1 or settings.side < SMALLEST_SIDE:
        raise PipelineError(
            f"cannot draw {pages} pages of {settings.side} pixels",
            where=folder,
            remedy=f"Ask for one page or more, of {SMALLEST_SIDE} pixels or more.",
        )
    if not faces:
        raise PipelineError(
            "there is no typeface to draw in", where=folder, remedy="Install Korean fonts, or set OCR_PIPELINE_FONTS."
        )


def _seed_of(split: Split, seed: int) -> int:
    return 2 * seed + (split == "valid")


def _keep_to_one_thread() -> None:
    cv2.setNumThreads(1)


def _shown(
    samples: Iterator[tuple[bytes, LayoutRecord]], path: Path, pages: int
) -> Iterator[tuple[bytes, LayoutRecord]]:
    progress = Progress(f"drawing to {path}", "pages", pages)
    for sample in samples:
        yield sample
        progress.advance()


def _sample(split: Split, seed: int, faces: Sequence[Face], side: int, index: int) -> tuple[bytes, LayoutRecord]:
    page = draw_page(seed, index, faces, side)
    settings = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    picture = cv2.imencode(".jpg", page.pixels[..., ::-1], settings)[1].tobytes()
    return picture, _record(page, split, f"synthetic_{split}_{index:08d}.jpg")


def _record(page: DrawnPage, split: Split, name: str) -> LayoutRecord:
    height, width = page.pixels.shape[:2]
    words = [_labelled(word, "ok", width, height) for word in page.words]
    words += [_labelled(word, "ignore", width, height) for word in page.unclear]
    return LayoutRecord("synthetic", split, name, "", width, height, tuple(words))


def _labelled(word: DrawnWord, state: State, width: int, height: int) -> LayoutWord:
    a, b, c, d = ((float(x), float(y)) for x, y in np.round(np.clip(word.quad, 0, (width, height)), 1))
    return LayoutWord((a, b, c, d), word.text, state)
