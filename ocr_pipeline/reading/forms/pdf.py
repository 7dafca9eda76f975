"""Searchable PDF: the picture of each page under text that can be searched, selected and copied.

A PDF keeps its own pages, below text where they have none; of pictures, JPEGs go in as they are. A skewed picture is
turned by the page, not resampled, for readers lose the order of text that is turned by more than a degree.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pikepdf
import simplejpeg
from pikepdf import Array, Dictionary, Name, Pdf

from ocr_pipeline.reading.forms.form import Form, Place, UnprintableError
from ocr_pipeline.reading.forms.saving import save_pdf
from ocr_pipeline.reading.forms.text_layer import (
    Codes,
    add_font,
    page_skew,
    text_operators,
    then,
    turn_about_middle,
)
from ocr_pipeline.reading.input import Document, Sheet, has_text, matrix_to_page
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.jpeg_files import SIGNATURE
from ocr_pipeline.storage.files.orientation import orientation_of
from ocr_pipeline.storage.files.pictures import jpeg_colours
from ocr_pipeline.storage.files.publishing import publish_file

_ENDING = ".pdf"
_POINTS = 72.0
_QUALITY = 90  # of pictures that are no JPEG
_COLOURS = {"Gray": Name.DeviceGray, "YCbCr": Name.DeviceRGB}


@dataclass
class _Pictures:
    """A PDF of pictures; each page waits in a file of its own, for files may have hundreds of them."""

    place: Place
    document: Document
    pages: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="ocr_pipeline_pdf_")

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        path = Path(self._folder.name) / f"{sheet.number}.pdf"
        with Pdf.new() as pdf:
            _add_page(pdf, sheet, page, self._picture(pdf, sheet))
            save_pdf(pdf, path)
        self.pages.append(path)

    def _picture(self, pdf: Pdf, sheet: Sheet) -> pikepdf.Object:
        data, colours = self._jpeg(sheet.pixels)
        return pdf.make_stream(
            data,
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=sheet.width,
            Height=sheet.height,
            ColorSpace=_COLOURS[colours],
            BitsPerComponent=8,
            Filter=Name.DCTDecode,
        )

    def _jpeg(self, pixels: np.ndarray) -> tuple[bytes, str]:
        """The file itself, if it is a JPEG of usual colours that stands upright; else its pixels as one."""
        own = self.document.data
        if own.startswith(SIGNATURE) and orientation_of(own) == 1:
            colours = jpeg_colours(own)
            if colours in _COLOURS:
                return own, colours
        return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=_QUALITY, colorsubsampling="444"), "YCbCr"

    def publish(self, document: ReadDocument) -> None:
        opened = [Pdf.open(path) for path in self.pages]
        with Pdf.new() as pdf, publish_file(self.place.beside(_ENDING)) as draft:
            for page in opened:
                pdf.pages.extend(page.pages)
            save_pdf(pdf, draft)
        for page in opened:
            page.close()
        self._folder.cleanup()


def _add_page(pdf: Pdf, sheet: Sheet, page: ReadPage, picture: pikepdf.Object) -> None:
    scale, codes = _POINTS / sheet.dpi, Codes()
    width, height = page.width * scale, page.height * scale
    upright = (scale, 0.0, 0.0, -scale, 0.0, height)
    on_page = (page.width, 0.0, 0.0, -float(page.height), 0.0, float(page.height))  # the unit square to pixels, y down
    turned = then(then(on_page, turn_about_middle(page, -page_skew(page))), upright)
    shown = " ".join(f"{value:.4f}" for value in turned)
    text = text_operators(page, upright, "/F", codes)
    resources = Dictionary(XObject=Dictionary(Im=picture), Font=Dictionary(F=add_font(pdf, codes)))
    pdf.pages.append(
        pikepdf.Page(
            pdf.make_indirect(
                Dictionary(
                    Type=Name.Page,
                    MediaBox=Array([0, 0, round(width, 4), round(height, 4)]),
                    Resources=resources,
                    Contents=pdf.make_stream(f"q {shown} cm /Im Do Q\n".encode() + text),
                )
            )
        )
    )


class _Overlay:
    """A PDF with text over its own pages."""

    def __init__(self, place: Place, document: Document) -> None:
        self.place, self.document = place, document
        try:
            self.pdf = Pdf.open(io.BytesIO(document.data))
        except pikepdf.PdfError as error:
            raise self._refused(str(error)) from error
        if len(self.pdf.pages) != document.pages:
            raise self._refused(f"its list of pages is damaged: {document.pages} are seen, {len(self.pdf.pages)} named")

    def _refused(self, why: str) -> UnprintableError:
        return UnprintableError(
            f"no text can be laid over the PDF ({why})",
            where=self.document.path,
            remedy="Print it to a new PDF, or read it without --form pdf.",
        )

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        if has_text(self.document.data, sheet.number):
            return
        codes, name = Codes(), Name(f"/Glyphless{sheet.number}")  # pages may share their resources
        forward = turn_about_middle(page, page_skew(page))
        to_page = matrix_to_page(self.document.data, sheet.number, (sheet.width, sheet.height))
        text = text_operators(page, then(forward, to_page), str(name), codes)
        try:
            own = self.pdf.pages[sheet.number - 1]
            own.add_resource(add_font(self.pdf, codes), Name.Font, name)
            own.contents_add(
                text + b"\n", prepend=True
            )  # what its own operators leave behind would move text after them
        except (pikepdf.PdfError, TypeError, ValueError) as error:
            raise self._refused(f"page {sheet.number}: {error}") from error

    def publish(self, document: ReadDocument) -> None:
        with publish_file(self.place.beside(_ENDING)) as draft:
            save_pdf(self.pdf, draft)
        self.pdf.close()


def _printer(place: Place, document: Document) -> _Pictures | _Overlay:
    return _Overlay(place, document) if document.is_pdf else _Pictures(place, document)


PDF = Form(_printer)
