"""What can be read: pictures, multi-page TIFFs and PDFs, of which one page at a time is in memory as pixels."""

from __future__ import annotations

import ctypes
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import pypdfium2
from PIL import Image

from ocr_pipeline.errors import PipelineError, end_on_shortage
from ocr_pipeline.page import PICTURE_ENDINGS, nfc
from ocr_pipeline.reading.settings import InputLimits
from ocr_pipeline.shown import as_text
from ocr_pipeline.storage.files.orientation import upright
from ocr_pipeline.storage.files.pictures import decode_picture, page_count, picture_of_page
from ocr_pipeline.storage.files.walking import walk

MARKER = ".readings"
"""File that says that a folder is one of readings: ours to replace, and nothing to be read."""
_ENDINGS = PICTURE_ENDINGS | {".pdf"}
DPI = 150.0  # of a picture that does not say
_POINTS = 72.0  # to the inch
_POINTS_PER_PIXEL = 1 / _POINTS
Matrix: TypeAlias = "tuple[float, float, float, float, float, float]"
"""a b c d e f of a PDF: x' = a x + c y + e, y' = b x + d y + f."""
_PDFIUM = threading.Lock()  # it is not thread-safe, not even for two documents
_PASSWORD = 4  # the error code of PDFium for an encrypted file
_REMEDY = "Give a whole JPEG, PNG, BMP, WebP, TIFF or PDF."


@dataclass(frozen=True)
class Sheet:
    """One page as pixels.

    Attributes:
        image: file name in NFC; number: which page of it, from 1.
        pixels: uint8 [height, width, 3] RGB, upright.
        dpi: pixels to the inch, as the file says or as it was drawn.
    """

    image: str
    number: int
    pixels: np.ndarray
    dpi: float = DPI

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


class Document(NamedTuple):
    """A file whose pages can be loaded one by one, by their numbers from 1, by any thread.

    Attributes:
        data: the file's bytes.
        load: raises PipelineError where a page is damaged.
    """

    path: Path
    data: bytes
    pages: int
    load: Callable[[int], Sheet]

    @property
    def is_pdf(self) -> bool:
        return is_pdf(self.data)

    @property
    def is_picture(self) -> bool:
        """Whether the file itself is the picture of its one page."""
        return self.pages == 1 and not self.is_pdf


def is_pdf(data: bytes) -> bool:
    """Whether bytes begin as a PDF does: readers allow for some rubbish before the head."""
    return b"%PDF-" in data[:1024]


def open_document(path: Path, limits: InputLimits) -> Document:
    """A file that is to be read.

    Raises:
        PipelineError: it cannot be opened, is encrypted, damaged, or has too many pages.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError of a NUL
        raise PipelineError(
            f"the file cannot be opened ({getattr(error, 'strerror', error)})",
            where=path,
            remedy="Check its path and its permissions.",
        ) from error
    return document_of(data, path, limits)


def document_of(data: bytes, path: Path, limits: InputLimits) -> Document:
    """The same for the bytes of a file; ``path`` is what it is called.

    Raises:
        PipelineError: see `open_document`.
    """
    load = _page_of_pdf if is_pdf(data) else _page_of_picture
    with _told_of(path, data):
        pages = _count_in_pdf(data) if is_pdf(data) else page_count(data)
    if pages < 1:
        raise PipelineError("the file has no pages", where=path, remedy=_REMEDY)
    if pages > limits.most_pages:
        raise PipelineError(
            f"the file has {pages:,} pages, more than {limits.most_pages:,}",
            where=path,
            remedy="Split it, or allow for more by --most_pages.",
        )

    def load_page(number: int) -> Sheet:
        with _told_of(path if pages == 1 else f"{path}, page {number}", data):
            pixels, dpi = load(data, number, limits)
            return Sheet(nfc(as_text(path.name)), number, pixels, dpi)

    return Document(path, data, pages, load_page)


def readable_in(paths: Sequence[Path], *, tell: bool = False) -> Iterator[tuple[Path, Path]]:
    """The files to read among paths, those of folders sorted; each with its path below what was named.

    Args:
        tell: say in the log what is passed over, as folders of earlier readings are.

    Raises:
        PipelineError: there is none, or a folder cannot be looked into.
    """
    found = False
    for named in paths:
        files, beside = (_found_in(named, tell=tell), named) if named.is_dir() else ([named], named.parent)
        for file in files:
            found = True
            yield file, file.relative_to(beside)
    if not found:
        endings = ", ".join(sorted(_ENDINGS))
        places = ", ".join(map(str, paths))
        raise PipelineError("there is nothing to read", where=places, remedy=f"Name files or folders with {endings}.")


def _found_in(folder: Path, *, tell: bool) -> list[Path]:
    found = walk(folder, _ENDINGS, is_closed=lambda below: (below / MARKER).is_file())
    if tell:
        found.tell(folder)
    return found.files


@contextmanager
def _told_of(where: object, data: bytes) -> Iterator[None]:
    """What a decoder says, as one line about this file."""
    try:
        yield
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD and b"/Encrypt" in data:  # PDFium may tell again what an earlier file lacked
            raise PipelineError(
                "the PDF is encrypted", where=where, remedy="Save it without a password (qpdf --decrypt)."
            ) from error
        raise PipelineError(f"the PDF is damaged, or has no pages ({error})", where=where, remedy=_REMEDY) from error
    except (ValueError, OSError, MemoryError) as error:
        end_on_shortage(error, where)
        raise PipelineError(str(error), where=where, remedy=_REMEDY) from error


def has_text(data: bytes, number: int) -> bool:
    """Whether a page of a PDF has text of its own."""
    with _PDFIUM, pypdfium2.PdfDocument(data) as document:
        return document[number - 1].get_textpage().count_chars() > 0


def matrix_to_page(data: bytes, number: int, size: tuple[int, int]) -> Matrix:
    """From pixels of a page that was drawn in a size to the page's own coordinates, however it is cut and turned."""
    with _PDFIUM, pypdfium2.PdfDocument(data) as document:
        page, (width, height) = document[number - 1], size
        (e, f), (x1, y1), (x2, y2) = (_on_page(page, size, *corner) for corner in ((0, 0), (width, 0), (0, height)))
    return (x1 - e) / width, (y1 - f) / width, (x2 - e) / height, (y2 - f) / height, e, f


def _on_page(page: pypdfium2.PdfPage, size: tuple[int, int], x: int, y: int) -> tuple[float, float]:
    there = ctypes.c_double(), ctypes.c_double()
    pypdfium2.raw.FPDF_DeviceToPage(page, 0, 0, *size, 0, x, y, *there)
    return there[0].value, there[1].value


def _count_in_pdf(data: bytes) -> int:
    with _PDFIUM, pypdfium2.PdfDocument(data) as document:
        return len(document)


def _page_of_pdf(data: bytes, number: int, limits: InputLimits) -> tuple[np.ndarray, float]:
    """Drawn at the wanted resolution, or at what side and area allow: a page may be 200 inches wide."""
    with _PDFIUM, pypdfium2.PdfDocument(data) as document:
        document.init_forms()  # what was filled in is drawn too
        page = document[number - 1]
        width, height = page.get_size()
        scale = pdf_scale(width, height, limits)
        bitmap = page.render(scale=scale, rev_byteorder=True, no_smoothtext=False)
        pixels = np.array(bitmap.to_numpy()[..., :3])
        bitmap.close()
    return (cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.shape[2] == 1 else pixels), scale * _POINTS


def pdf_scale(width: float, height: float, limits: InputLimits) -> float:
    """Pixels to the point at which a page of so many points is drawn.

    Raises:
        ValueError: the page has no area.
    """
    if min(width, height) <= 0:
        raise ValueError("the page has no area")
    by_area = (limits.most_pixels / (width * height)) ** 0.5
    return min(limits.dpi * _POINTS_PER_PIXEL, limits.most_side / max(width, height), by_area)


def _page_of_picture(data: bytes, number: int, limits: InputLimits) -> tuple[np.ndarray, float]:
    own = picture_of_page(data, number, limits.most_pixels)
    return upright(decode_picture(own, "RGB", limits.most_pixels), own), _dpi_of(data)


def _dpi_of(data: bytes) -> float:
    """What a picture says of itself, where that can be."""
    with Image.open(io.BytesIO(data)) as picture:
        told = float(picture.info.get("dpi", (0, 0))[0])
    return told if 36 <= told <= 2400 else DPI
