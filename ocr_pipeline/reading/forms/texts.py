"""Forms that are printed from the record alone: plain text, and the record itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ocr_pipeline.reading.forms.form import RECORD, Form, Place
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.publishing import publish_file


@dataclass(frozen=True)
class _FromRecord:
    place: Place
    ending: str
    print: Callable[[ReadDocument], bytes]

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        """The record holds all that is needed."""

    def publish(self, document: ReadDocument) -> None:
        with publish_file(self.place.beside(self.ending)) as draft:
            draft.write_bytes(self.print(document))


def from_record(ending: str, print_document: Callable[[ReadDocument], bytes]) -> Form:
    """The form that a function of the record prints."""

    def printer(place: Place, document: Document) -> _FromRecord:
        return _FromRecord(place, ending, print_document)

    return Form(printer)


def plain_text(document: ReadDocument) -> str:
    """The pages' text, with a form feed between two pages."""
    return "\f".join(page.text for page in document.pages)


TXT = from_record(".txt", lambda document: plain_text(document).encode())
JSON = from_record(RECORD, ReadDocument.encode)
