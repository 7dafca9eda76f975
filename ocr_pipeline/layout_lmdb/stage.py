"""Pages -> layout LMDB, quarantine and manifest."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.layout_lmdb.detections import KEPT_ABOVE, model_input
from ocr_pipeline.layout_lmdb.engines import LayoutEngine
from ocr_pipeline.layout_lmdb.record import LayoutWord
from ocr_pipeline.layout_lmdb.samples import make_record, place_words
from ocr_pipeline.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.layout_lmdb.writer import Sample, fill_folder
from ocr_pipeline.page import Page
from ocr_pipeline.storage.manifest import (
    Input,
    Manifest,
    manifest_path,
    quarantine_path,
    read_manifest,
    write_manifest,
)
from ocr_pipeline.storage.pictures import decode_picture
from ocr_pipeline.storage.publishing import publish_folder
from ocr_pipeline.storage.quarantine import Counts, Quarantined, QuarantineWriter

STAGE = "layout_lmdb"
CODE_VERSION = "1"

FindImage = Callable[[Page], "str | Quarantined"]
ReadBytes = Callable[[str], bytes]
OnProgress = Callable[[int, "int | None"], None]

_log = logging.getLogger(__name__)


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
    total: int | None = None,
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Make the layout LMDB of one partition, or find that it is made already.

    Pages are taken in order and a batch at a time, so memory does not grow with the partition, and the same inputs
    give the same bytes. The manifest appears last; until then the LMDB does not count as made.

    Args:
        find_image: path or URL of a page's picture, or why there is none.
        read_bytes: content of such a path.
        target: folder of the LMDB; quarantine and manifest stand beside it.
        inputs: what the pages and pictures were made from, for the manifest.
        total: number of pages, where known, passed on to ``on_progress(done, total)``.

    Raises:
        PipelineError: a picture cannot be fetched (unlike: is missing or damaged, which goes to the quarantine),
            or the target cannot be written.
    """
    made_with = _made_with(engine, settings)
    current = read_manifest(target)
    if current is not None and current.made_from(CODE_VERSION, made_with, inputs):
        return current
    with QuarantineWriter(quarantine_path(target)) as quarantine:
        run = _Run(find_image, read_bytes, engine, settings, quarantine, _expected(settings.limit, total), on_progress)
        with publish_folder(target) as folder:
            _, fingerprint = fill_folder(folder, run.samples(pages), made_with)
            manifest_path(target).unlink(missing_ok=True)  # it speaks of the folder that is replaced now
    manifest = Manifest(
        stage=STAGE,
        partition=partition,
        code_version=CODE_VERSION,
        settings=made_with,
        inputs=inputs,
        fingerprint=fingerprint,
        counts=run.counts,
    )
    write_manifest(target, manifest)
    return manifest


def _made_with(engine: LayoutEngine, settings: LayoutSettings) -> dict[str, Any]:
    """All that changes the artifact: the device and the size of a batch do not."""
    return {
        "engine": engine.backend,
        "model": engine.name,
        "weights": engine.fingerprint,
        "kept_above": KEPT_ABOVE,
        "threshold": settings.threshold,
        "table_threshold": settings.table_threshold,
        "limit": settings.limit,
    }


def _expected(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


@dataclass(frozen=True)
class _Seen:
    """A page whose picture is there: encoded, its size, what the model will see of it, and the words upon it."""

    page: Page
    image: bytes
    size: tuple[int, int]
    pixels: np.ndarray
    words: tuple[LayoutWord, ...]


@dataclass
class _Run:
    """One pass over the pages; ``counts`` is complete when the samples are used up."""

    find_image: FindImage
    read_bytes: ReadBytes
    engine: LayoutEngine
    settings: LayoutSettings
    quarantine: QuarantineWriter
    total: int | None
    on_progress: OnProgress | None
    counts: Counts = field(default_factory=Counts)

    def samples(self, pages: Iterable[Page]) -> Iterator[Sample]:
        """The samples of the pages, in the pages' order."""
        seen = self._see(itertools.islice(pages, self.settings.limit))
        while batch := list(itertools.islice(seen, self.settings.batch_size)):
            found = self.engine.infer(np.stack([page.pixels for page in batch]), [page.size for page in batch])
            for page, regions in zip(batch, found, strict=True):
                self.counts.pages_out += 1
                self.counts.words_out += len(page.words)
                yield (
                    page.image,
                    make_record(page.page, page.size, page.words, regions, self.engine.labels, self.settings),
                )

    def _see(self, pages: Iterable[Page]) -> Iterator[_Seen]:
        for done, page in enumerate(pages, start=1):
            self.counts.pages_in += 1
            self.counts.words_in += len(page.words)
            seen = self._open(page)
            if isinstance(seen, Quarantined):
                self._set_aside(seen)
            else:
                yield seen
            if self.on_progress:
                self.on_progress(done, self.total)

    def _open(self, page: Page) -> _Seen | Quarantined:
        path = self.find_image(page)
        if isinstance(path, Quarantined):
            return msgspec.structs.replace(path, words=len(page.words))
        image = self._fetch(path)
        if image is None:
            return _page_aside(page, "image_missing", f"{path} is not there")
        try:
            picture = decode_picture(image)
        except ValueError as error:
            return _page_aside(page, "image_unreadable", f"{path}: {error}")
        words, size = self._place_words(page, picture)
        if page.words and not words:  # as a sample it would teach that its text is background
            return _page_aside(page, "no_words_left", f"none of its {len(page.words)} words is on the picture", words=0)
        return _Seen(page, image, size, model_input(picture, self.engine.input_size), words)

    def _fetch(self, path: str) -> bytes | None:
        try:
            return self.read_bytes(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PipelineError(
                f"the picture cannot be fetched ({error})",
                where=path,
                remedy="Check that the share is mounted and reachable, then run the same command again.",
            ) from error

    def _place_words(self, page: Page, picture: np.ndarray) -> tuple[tuple[LayoutWord, ...], tuple[int, int]]:
        size = (picture.shape[1], picture.shape[0])
        words, aside, clipped = place_words(page, size)
        for record in aside:
            self._set_aside(record)
        self.counts.note("words_clipped", clipped)
        self.counts.note("size_differs", size != (page.width, page.height))
        return words, size

    def _set_aside(self, record: Quarantined) -> None:
        self.counts.set_aside(record)
        self.quarantine.write(record)
        level = logging.INFO if self.settings.verbose else logging.DEBUG
        _log.log(level, "%s set aside (%s): %s %s", record.unit, record.reason, record.image, record.detail)


def _page_aside(page: Page, reason: str, detail: str, words: int | None = None) -> Quarantined:
    """A page set aside, with all its words unless told otherwise."""
    return Quarantined(
        unit="page",
        reason=reason,
        dataset=page.dataset,
        split=page.split,
        label=page.label,
        image=page.image,
        detail=detail,
        words=len(page.words) if words is None else words,
    )
