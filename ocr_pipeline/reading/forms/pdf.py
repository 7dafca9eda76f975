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

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.forms.form import Form, Place
from ocr_pipeline.reading.forms.text_layer import (
    Codes,
    Matrix,
    add_font,
    page_skew,
    text_operators,
    then,
    turn_about_middle,
)
from ocr_pipeline.reading.input import Document, Sheet, has_text
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.jpeg_files import SIGNATURE
from ocr_pipeline.storage.files.orientation import orientation_of
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
            pdf.save(path, deterministic_id=True)
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
            colours = simplejpeg.decode_jpeg_header(own, strict=False)[2]
            if colours in _COLOURS:
                return own, colours
        return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=_QUALITY, colorsubsampling="444"), "YCbCr"

    def publish(self, document: ReadDocument) -> None:
        opened = [Pdf.open(path) for path in self.pages]
        with Pdf.new() as pdf, publish_file(self.place.beside(_ENDING)) as draft:
            for page in opened:
                pdf.pages.extend(page.pages)
            pdf.save(draft, deterministic_id=True)
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
        self.place, self.document, self.codes = place, document, Codes()
        try:
            self.pdf = Pdf.open(io.BytesIO(document.data))
        except pikepdf.PdfError as error:
            raise PipelineError(
                f"no text can be laid over the PDF ({error})", where=document.path, remedy="Print it to a new PDF."
            ) from error

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        if has_text(self.document.data, sheet.number):
            return
        own, codes = self.pdf.pages[sheet.number - 1], Codes()
        forward = turn_about_middle(page, page_skew(page))
        name = Name("/Glyphless")
        text = text_operators(page, then(forward, _to_page(own, sheet)), str(name), codes)
        own.add_resource(add_font(self.pdf, codes), Name.Font, name)
        own.contents_add(b"q\n", prepend=True)
        own.contents_add(b"\nQ\n" + text)

    def publish(self, document: ReadDocument) -> None:
        with publish_file(self.place.beside(_ENDING)) as draft:
            self.pdf.save(draft, deterministic_id=True)
        self.pdf.close()


def _to_page(page: pikepdf.Page, sheet: Sheet) -> Matrix:
    """From pixels of a drawn page to its own coordinates, whatever it is cut to and however it is turned."""
    left, bottom, right, top = (float(value) for value in page.cropbox)
    width, height, scale = right - left, top - bottom, _POINTS / sheet.dpi
    seen_height = sheet.height * scale
    seen = (scale, 0.0, 0.0, -scale, 0.0, seen_height)
    turns: dict[int, Matrix] = {
        0: (1, 0, 0, 1, left, bottom),
        90: (0, 1, -1, 0, left + width, bottom),
        180: (-1, 0, 0, -1, left + width, bottom + height),
        270: (0, -1, 1, 0, left, bottom + height),
    }
    return then(seen, turns[int(page.rotation) % 360])


def _printer(place: Place, document: Document) -> _Pictures | _Overlay:
    return _Overlay(place, document) if document.is_pdf else _Pictures(place, document)


PDF = Form(_printer)
