"""What one sample of the layout LMDB says: the page's words, and the regions that a layout model saw around them."""

from __future__ import annotations

import msgspec

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.layout_lmdb.format.geometry import Box, box_of, cut_back, shared_area
from ocr_pipeline.page import Quad, State

PICTURE_LABELS = frozenset({"image", "chart", "figure", "header_image", "footer_image"})
"""Labels of regions that are pictures; every other label (seals and formulas too) stands for something written."""

TABLE, CELL = "table", "cell"

_FULLY_LABELLED = frozenset(dataset.name for dataset in DATASETS if not dataset.partly_labelled)
_TOUCHED = 0.1


class LayoutWord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One labelled word of a sample.

    Attributes:
        quad: four corners, clockwise from top left, in pixels of the stored picture and clipped to it.
        text: transcription in NFC; lines of a whole block are parted by a line break.
        state: ``ok``, or ``ignore``: there is text, but do not learn from it.
        id: the word's id on its page.
        region: position in the record's regions, where a region holds the word.
    """

    quad: Quad
    text: str
    state: State = "ok"
    id: int = 0
    region: int | None = None


class Region(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One region that the layout model found.

    Attributes:
        label: the model's own label (``text``, ``table``, ``doc_title``).
        score: 0 to 1; everything that the engine kept is here, the threshold is the reader's choice.
        box: (x0, y0, x1, y1) in pixels.
        order: place in the reading order, from 0.
        text: the legible words in reading order, lines parted by a line break.
        words: positions in the record's words, in reading order.
    """

    label: str
    score: float
    box: Box
    order: int
    text: str = ""
    words: tuple[int, ...] = ()


class Cell(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One table cell: its box in pixels, its score and the region (position) of its table."""

    box: Box
    score: float
    region: int | None = None


class LayoutRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One sample: a page, as stored.

    Attributes:
        dataset, split, image, label: as on the page; empty in files of the earlier scripts, which do not tell.
        width, height: of the stored picture, in pixels.
        words: in the order of the label file.
        regions: in reading order; empty when no layout model ran.
        cells: table cells, where a cell detector ran.
        crop: where on the page's picture the sample was cut (x0, y0, x1, y1 in pixels); None: it is the whole page.
    """

    dataset: str
    split: str
    image: str
    label: str
    width: int
    height: int
    words: tuple[LayoutWord, ...] = ()
    regions: tuple[Region, ...] = ()
    cells: tuple[Cell, ...] = ()
    crop: Box | None = None

    def ignore_boxes(self, threshold: float = 0.5, table_threshold: float | None = None) -> list[Box]:
        """Areas with text that nobody labelled: written regions above the threshold that hold no labelled word.

        A region that covers more than a tenth of any labelled word is left alone; one that covers less is cut back to
        where no word is, so no labelled word is ever hidden, not even in part. Sets in which every word is labelled
        have no such area: what the model calls text there is none.

        Args:
            threshold: lowest score, exclusive.
            table_threshold: the same for tables; None: as for all others.
        """
        if self.dataset in _FULLY_LABELLED:
            return []
        lowest = {TABLE: threshold if table_threshold is None else table_threshold}
        words = [box_of(word.quad) for word in self.words]
        written = [
            region.box
            for region in self.regions
            if region.label not in PICTURE_LABELS
            and region.score > lowest.get(region.label, threshold)
            and not any(shared_area(word, region.box) > _TOUCHED for word in words)
        ]
        beside_words = (cut_back(box, [word for word in words if shared_area(word, box)]) for box in written)
        return [box for box in beside_words if box is not None]
