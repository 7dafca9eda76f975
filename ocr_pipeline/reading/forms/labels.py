"""Labels of what was read, for people to correct: PPOCRLabel's lines, and a label of AI-Hub's that this program reads.

Of a file with several pages, or a PDF, the page's picture stands beside its label. PPOCRLabel turns pictures as their
EXIF tag says; labels of AI-Hub count the pixels as they are stored.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ocr_pipeline.page import ILLEGIBLE, Quad
from ocr_pipeline.reading.forms.drawn import publish_png
from ocr_pipeline.reading.forms.form import Form, Place
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.record import ReadDocument, ReadPage, decode_document
from ocr_pipeline.shown import as_text, visible
from ocr_pipeline.storage.files.orientation import as_stored, orientation_of
from ocr_pipeline.storage.files.publishing import publish_file

logger = logging.getLogger(__name__)

_UNREAD = "###"
_LABELS = "Label.txt"
_AIHUB, _PPOCR = "aihub", "ppocr"


@dataclass(frozen=True)
class _AihubLabels:
    """A label file for each page, of the form that ``ocr_public`` and two other sets have."""

    place: Place
    document: Document

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        with publish_file(self.place.page(_AIHUB, sheet.number, self.document.pages, ".json")) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(self._label(sheet, page)), indent=1) + b"\n")
        if not self.document.is_picture:
            publish_png(self.place, sheet.pixels, _AIHUB, sheet.number, self.document.pages)

    def publish(self, document: ReadDocument) -> None:
        """Each label was published when its page was read."""

    def _label(self, sheet: Sheet, page: ReadPage) -> dict[str, object]:
        orientation = orientation_of(self.document.data) if self.document.is_picture else 1
        size = (page.width, page.height) if orientation <= 4 else (page.height, page.width)
        kind = self.place.name.suffix.lower().removeprefix(".") if self.document.is_picture else "png"
        words = [
            {"data": word.text or _UNREAD, "id": number, **_corners(_stored(word.quad, orientation, size))}
            for number, word in enumerate(page.words, start=1)
        ]
        drawn = self.place.page(_AIHUB, sheet.number, self.document.pages, "").name
        name = self.place.name.stem if self.document.is_picture else drawn
        return {
            "Images": {"identifier": as_text(name), "type": kind, "width": size[0], "height": size[1]},
            "bbox": words,
        }


def _stored(quad: Quad, orientation: int, size: tuple[int, int]) -> Quad:
    a, b, c, d = (as_stored(point, orientation, size) for point in quad)
    return a, b, c, d


def _corners(quad: Quad) -> dict[str, list[int]]:
    """Top left, bottom left, top right, bottom right, as AI-Hub lists them."""
    ordered = quad[0], quad[3], quad[1], quad[2]
    return {"x": [round(x) for x, _ in ordered], "y": [round(y) for _, y in ordered]}


@dataclass(frozen=True)
class _PpocrPictures:
    """The pictures that lines of ``Label.txt`` name, where the files themselves are none."""

    place: Place
    document: Document

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        if not self.document.is_picture:
            publish_png(self.place, sheet.pixels, _PPOCR, sheet.number, self.document.pages)

    def publish(self, document: ReadDocument) -> None:
        """The lines are gathered when all files are read."""


def _gather(output: Path, places: Sequence[Place]) -> None:
    """``Label.txt``, a line for each page: its picture, a tab, its words."""
    with publish_file(output / _PPOCR / _LABELS) as draft, draft.open("w", encoding="utf-8") as file:
        for place in places:
            file.writelines(_lines(place))


def _lines(place: Place) -> Iterator[str]:
    pages = decode_document(place.record.read_bytes()).pages
    for page in pages:
        drawn = place.page(_PPOCR, page.number, len(pages), ".png")
        named = os.fspath(drawn.relative_to(place.output / _PPOCR) if drawn.exists() else place.name)
        if (shown := visible(named)) != named:
            logger.warning("%s is left out of %s: no line of it can hold this name; rename it", shown, _LABELS)
            continue
        words = [_ppocr_word(word.text, word.quad) for word in page.words]
        yield f"{named}\t{msgspec.json.encode(words).decode()}\n"


def _ppocr_word(text: str, quad: Quad) -> dict[str, object]:
    points = [[round(x), round(y)] for x, y in quad]
    return {"transcription": text or _UNREAD, "points": points, "difficult": text in ILLEGIBLE}


AIHUB = Form(_AihubLabels)
PPOCR = Form(_PpocrPictures, _gather)
