"""Pages -> layout LMDB, quarantine and manifest.

Decode workers look at the pictures, a thread for each device runs the model, the caller writes. Between them are
queues of bounded length, and each hands on in the order of the pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, cache_path, cache_prefix
from ocr_pipeline.data.layout_lmdb.cells import CellFinder
from ocr_pipeline.data.layout_lmdb.engines.detections import KEPT_ABOVE
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import batches_at_once
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.data.layout_lmdb.feeding import decode_workers
from ocr_pipeline.data.layout_lmdb.format.writer import fill_folder
from ocr_pipeline.data.layout_lmdb.looking import Looking, ReadBytes
from ocr_pipeline.data.layout_lmdb.run import FindImage, OnProgress, Run, slots_needed
from ocr_pipeline.data.layout_lmdb.settings import CELL_SCORE, LayoutSettings
from ocr_pipeline.page import Page
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication

STAGE = "layout_lmdb"
CODE_VERSION = "3"

FEW_PAGES = 32
"""So many pages are made sooner than worker processes start."""

_AHEAD = 4  # pictures that wait for the model, for each decode worker


def build_layout_lmdb(
    pages: Iterable[Page],
    find_image: FindImage,
    read_bytes: ReadBytes,
    target: Path,
    *,
    engine: LayoutEngine,
    settings: LayoutSettings,
    partition: str,
    inputs: list[Input],
    cell_engine: LayoutEngine | None = None,
    workers: int = 1,
    total: int | None = None,
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Make the layout LMDB of one partition, or find that it is made already.

    Pages are taken in order and a few at a time, so memory does not grow with the partition, and the same inputs give
    the same bytes, whatever the number of workers. What the models find is kept in a file beside the LMDB: a run that
    was interrupted, or that has other thresholds, asks them only what they have not answered. The manifest appears
    last; until then the LMDB does not count as made.

    Args:
        find_image: path or URL of a page's picture, or why there is none.
        read_bytes: content of such a path; with more than one worker it has to survive pickling.
        target: folder of the LMDB; quarantine, manifest and detections stand beside it.
        engine: the layout model.
        inputs: what the pages and pictures were made from, for the manifest.
        cell_engine: a detector of table cells; None: no cells.
        workers: processes that read, decode and cut pictures; 1: none but this one.
        total: number of pages, where known, passed on to ``on_progress(done, total)``.

    Raises:
        PipelineError: a picture cannot be fetched (unlike: is missing or damaged, which goes to the quarantine),
            or the target cannot be written.
    """
    made_with = _made_with(engine, cell_engine, settings)
    with (
        publication(
            target,
            stage=STAGE,
            partition=partition,
            code_version=CODE_VERSION,
            settings=made_with,
            inputs=inputs,
        ) as made,
        ExitStack() as stack,
    ):
        if made.current is None:
            rest = iter(pages)
            first = list(islice(rest, FEW_PAGES))
            workers = workers if len(first) == FEW_PAGES else 1
            run = _run(stack, made, find_image, read_bytes, engine, cell_engine, settings, workers)
            run.total, run.on_progress = _expected(settings.limit, total), on_progress
            with made.folder() as folder:
                _, made.fingerprint = fill_folder(folder, run.samples(chain(first, rest)), made_with)
    return made.manifest


def _run(
    stack: ExitStack,
    made: Publication,
    find_image: FindImage,
    read_bytes: ReadBytes,
    engine: LayoutEngine,
    cell_engine: LayoutEngine | None,
    settings: LayoutSettings,
    workers: int,
) -> Run:
    """A pass with its helpers, which end with the stack."""
    target = made.artifact
    ahead = max(_AHEAD * workers, settings.batch_size)
    slots = stack.enter_context(
        closing(PictureSlots(slots_needed(ahead, settings.batch_size, engine), engine.input_size))
    )
    helpers = stack.enter_context(decode_workers(workers))
    cache = stack.enter_context(closing(DetectionCache(cache_path(target)))) if engine.labels else None
    looking = Looking(read_bytes, slots, helpers is not None)
    if cache:
        looking = replace(looking, cache=cache_path(target), cache_prefix=cache_prefix(engine), cache_last=cache.last)
    cells = None
    if cell_engine and cell_engine.labels and cache:
        threads = stack.enter_context(ThreadPoolExecutor(batches_at_once(cell_engine)))
        cells = CellFinder(cell_engine, helpers, threads, cache, settings.batch_size, ahead)
    model = stack.enter_context(ThreadPoolExecutor(batches_at_once(engine)))
    return Run(find_image, looking, slots, helpers, ahead, engine, model, cache, cells, settings, made)


def _made_with(engine: LayoutEngine, cell_engine: LayoutEngine | None, settings: LayoutSettings) -> dict[str, Any]:
    """All that changes the artifact: devices, workers and the size of a batch do not."""
    cells = {}
    if cell_engine and cell_engine.labels:
        cells = {
            "cell_engine": cell_engine.backend,
            "cell_model": cell_engine.name,
            "cell_weights": cell_engine.fingerprint,
            "cell_threshold": CELL_SCORE,
        }
    return {
        "engine": engine.backend,
        "model": engine.name,
        "weights": engine.fingerprint,
        "kept_above": KEPT_ABOVE,
        "threshold": settings.threshold,
        "table_threshold": settings.table_threshold,
        "limit": settings.limit,
        "samples": settings.samples,
        **cells,
    }


def _expected(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
