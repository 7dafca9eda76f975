"""The books of one part of a layout LMDB: each page and word goes out as a sample or is set aside, and is counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import msgspec

from ocr_pipeline.data.layout_lmdb.decoding import Undecodable
from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord
from ocr_pipeline.data.layout_lmdb.samples import PlacedWords
from ocr_pipeline.data.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.data.picture_size import Fitted
from ocr_pipeline.errors import tell_unexpected
from ocr_pipeline.page import Page, Quarantined, what_was_unexpected
from ocr_pipeline.storage.artifacts.lineage import Trace
from ocr_pipeline.storage.artifacts.quarantine import Counts

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accounts:
    """Counts, traces and sets aside, on behalf of the part that is being made.

    Attributes:
        counts, quarantined: what became of the pages and words so far.
        traces: the pages that are samples.
    """

    settings: LayoutSettings
    counts: Counts = field(default_factory=Counts)
    quarantined: list[Quarantined] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)

    def page_in(self, page: Page) -> None:
        """A page that is to become samples."""
        self.counts.pages_in += 1
        self.counts.words_in += len(page.words)

    def without_picture(self, page: Page, why: Quarantined) -> None:
        """A page that the lookup knows no picture of."""
        self.set_aside(msgspec.structs.replace(why, words=len(page.words)))

    def page_aside(self, page: Page, reason: str, detail: str, words: int) -> None:
        """A page that is set aside, and how many words go with it."""
        self.set_aside(page.set_aside(reason, detail, words))

    def unexpected(self, page: Page, error: Exception, words: int) -> None:
        """A page that an error which nobody thought of keeps out, and how many words go with it.

        Raises:
            PipelineError: it is no fault of the page: this machine lacks something.
        """
        tell_unexpected(error, page.image)
        self.page_aside(page, "unexpected", what_was_unexpected(error), words)

    def fitted(self, fitted: Fitted) -> None:
        """What was out of the usual about a page's size."""
        if fitted.note:
            self.counts.note(fitted.note)

    def words_placed(self, placed: PlacedWords) -> None:
        """What came of the words of a page upon its picture."""
        for record in placed.aside:
            self.set_aside(record)
        self.counts.note("words_clipped", placed.clipped)

    def regions_found(self, record: LayoutRecord) -> None:
        """What the layout model saw on a page."""
        note = self.counts.note
        counted = [region for region in record.regions if region.score > self.settings.threshold_of(region.label)]
        for region in counted:
            note(f"regions_{region.label}")
        note("pages_without_region", not counted)
        note("words_without_region", sum(word.region is None for word in record.words))

    def page_out(self, record: LayoutRecord) -> None:
        """A page that is a sample."""
        self.counts.pages_out += 1
        self.counts.words_out += len(record.words)
        self._trace(record, len(record.words))

    def crops_out(self, page: LayoutRecord, crops: list[LayoutRecord]) -> None:
        """The samples of a page that was cut: a word goes out in the one whose text it is part of, or is set aside."""
        out = {word.id for crop in crops for word in crop.words if word.region is not None}
        self.counts.note("samples", len(crops))
        self.counts.words_out += len(out)
        left = [word for word in page.words if word.id not in out]
        source = (f"no_{self.settings.samples}", page.dataset, page.split, page.label, page.image)
        if not crops:
            self.set_aside(Quarantined("page", *source, words=len(left)))
            return
        self.counts.pages_out += 1
        self._trace(page, len(out))
        for word in left:
            self.set_aside(Quarantined("word", *source, word=word.id))

    def _trace(self, page: LayoutRecord, words: int) -> None:
        self.traces.append(Trace(page.label, page.image, page.dataset, page.split, words))

    def uncut(self, page: LayoutRecord, why: Undecodable) -> None:
        """The samples of a page that could not be cut."""
        source = (page.dataset, page.split, page.label, page.image)
        self.set_aside(Quarantined("page", why.reason, *source, detail=why.detail, words=len(page.words)))

    def set_aside(self, record: Quarantined) -> None:
        """A page or word that is kept out, and why."""
        self.counts.set_aside(record)
        self.quarantined.append(record)
        level = logging.INFO if self.settings.debug else logging.DEBUG
        _log.log(level, "%s set aside (%s): %s %s", record.unit, record.reason, record.image, record.detail)
