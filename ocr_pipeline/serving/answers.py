"""What a reading is answered as: the forms by their media types."""

from __future__ import annotations

from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ocr_pipeline.reading.forms import FORMS, Place
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.fingerprints import fingerprint_of


class Kind(NamedTuple):
    """A form and the ending of the file that it prints."""

    form: str
    ending: str


KINDS = {
    "application/json": Kind("json", ".json"),
    "text/plain": Kind("txt", ".txt"),
    "application/pdf": Kind("pdf", ".pdf"),
    "text/vnd.hocr+html": Kind("hocr", ".hocr"),
    "application/alto+xml": Kind("alto", ".alto.xml"),
}
"""By media type; the first is what is given where anything is taken."""


def chosen_kind(accept: str) -> str | None:
    """The media type that a client likes best of those there are; None where it takes none of them.

    ``text/plain;q=0.5, application/pdf`` -> ``application/pdf``.
    """
    wishes = [_wish(part) for part in (accept or "*/*").split(",")]
    for taken, share in sorted(wishes, key=lambda wish: -wish[1]):
        for kind in KINDS:
            if share > 0 and taken in (kind, "*/*", f"{kind.split('/')[0]}/*"):
                return kind
    return None


def _wish(part: str) -> tuple[str, float]:
    taken, *parameters = (piece.strip().lower() for piece in part.split(";"))
    shares = [piece[2:] for piece in parameters if piece.startswith("q=")]
    try:
        return taken, float(shares[0]) if shares else 1.0
    except ValueError:
        return taken, 0.0


class Answer:
    """Takes the pages of one document and makes the answer's bytes of them."""

    def __init__(self, document: Document, kind: str) -> None:
        self._folder = TemporaryDirectory(prefix="ocr_pipeline_answer_")
        self._kind, self._document = KINDS[kind], document
        self._place = Place(Path(self._folder.name), PurePath("page"))
        self._printer = FORMS[self._kind.form].printer(self._place, document)
        self._pages: list[ReadPage] = []

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        """The next page."""
        self._printer.add(sheet, page)
        self._pages.append(page)

    def content(self, reader: str) -> bytes:
        """All of it, after the last page.

        Args:
            reader: fingerprint of what read it.
        """
        record = ReadDocument(fingerprint_of([self._document.data]), reader, tuple(self._pages))
        self._printer.publish(record)
        return self._place.beside(self._kind.ending).read_bytes()

    def close(self) -> None:
        """What was written on the way goes."""
        self._folder.cleanup()
