"""Text that nobody sees and everybody can select: the operators of a PDF page, and the font that they name.

The font has two empty glyphs, half as wide as high. Its codes are those of Unicode, so that one short table leads from
codes to text; letters beyond the first 65,536, or for private use, get a private code each, and a line in the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf

from ocr_pipeline.reading.input import Matrix
from ocr_pipeline.reading.order.words import Numbers, level
from ocr_pipeline.reading.record import ReadLine, ReadPage, ReadWord

_WIDTH = 0.5  # of a glyph, in sizes
_DESCENT = 0.2  # of a line's height that lies below its baseline
_LEAST_TURN = math.radians(0.3)
_PRIVATE, _AFTER_PRIVATE = 0xE000, 0xF900
_CONTROL = re.compile("[\0-\x1f\x7f]")


class Codes:
    """Which code each letter of a document has."""

    def __init__(self) -> None:
        self._own: dict[str, int] = {}

    def encode(self, text: str) -> str:
        """A text as the hexadecimal string of a PDF."""
        return "".join(f"{self._code(letter):04X}" for letter in text)

    def _code(self, letter: str) -> int:
        code = ord(letter)
        if code < _PRIVATE or _AFTER_PRIVATE <= code <= 0xFFFF:
            return code
        if letter not in self._own and len(self._own) < _AFTER_PRIVATE - _PRIVATE:
            self._own[letter] = _PRIVATE + len(self._own)
        return self._own.get(letter, 0xFFFD)

    def to_unicode(self) -> bytes:
        """The table that leads from codes to text (PDF 1.7, 9.10.3)."""
        own = [f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in self._own.items()]
        blocks = [own[start : start + 100] for start in range(0, len(own), 100)]
        singles = [line for block in blocks for line in (f"{len(block)} beginbfchar", *block, "endbfchar")]
        return "\n".join([*_CMAP_HEAD, *singles, *_CMAP_TAIL]).encode()


_CMAP_HEAD = (
    "/CIDInit /ProcSet findresource begin",
    "12 dict begin",
    "begincmap",
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
    "/CMapName /Adobe-Identity-UCS def",
    "/CMapType 2 def",
    "1 begincodespacerange",
    "<0000> <FFFF>",
    "endcodespacerange",
    "2 beginbfrange",
    "<0000> <DFFF> <0000>",
    "<F900> <FFFF> <F900>",
    "endbfrange",
)
_CMAP_TAIL = ("endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end")


def add_font(pdf: Pdf, codes: Codes) -> pikepdf.Object:
    """The font as an object of a PDF; all codes show the same empty glyph."""
    program = files("ocr_pipeline.reading.forms").joinpath("glyphless.ttf").read_bytes()
    name, glyphs = Name.Glyphless, np.full(65536, 1, ">u2").tobytes()
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=name,
        Flags=4,
        FontBBox=Array([0, -200, 500, 800]),
        ItalicAngle=0,
        Ascent=800,
        Descent=-200,
        CapHeight=800,
        StemV=80,
        FontFile2=pdf.make_stream(program, Length1=len(program)),
    )
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=round(1000 * _WIDTH),
        CIDToGIDMap=pdf.make_stream(glyphs),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=name,
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
            ToUnicode=pdf.make_stream(codes.to_unicode()),
        )
    )


def page_skew(page: ReadPage) -> float:
    """Radians by which the text of a page is turned clockwise; 0 where it is level, or nearly so."""
    quads = [word.quad for line in page.lines if not line.vertical for word in line.words]
    skew = level(np.array(quads, float))[1] if quads else 0.0
    return skew if abs(skew) > _LEAST_TURN else 0.0


def turn_about_middle(page: ReadPage, angle: float) -> Matrix:
    """The matrix that turns pixels (y down) by an angle, clockwise, about the middle of the page."""
    sine, cosine, x, y = math.sin(angle), math.cos(angle), page.width / 2, page.height / 2
    return cosine, sine, -sine, cosine, x - cosine * x + sine * y, y - sine * x - cosine * y


def then(first: Matrix, second: Matrix) -> Matrix:
    """One matrix after the other."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def text_operators(page: ReadPage, place: Matrix, font: str, codes: Codes) -> bytes:
    """The invisible text of a page.

    Args:
        place: from pixels of the page, turned level, to where they are in the PDF.
        font: its name in the page's resources.
    """
    back = turn_about_middle(page, -page_skew(page))
    shown = [line for each in page.lines for line in _runs(each, page, back, place, font, codes)]
    return "\n".join(["q", "BT", "3 Tr", *shown, "ET", "Q"]).encode()


def _runs(line: ReadLine, page: ReadPage, back: Matrix, place: Matrix, font: str, codes: Codes) -> Iterator[str]:
    """The words of a line, in one size and on one baseline; each is stretched up to the next, with a space at its end.

    A word of one letter without it is lost in PDFium, sizes and baselines of their own break lines in Poppler.
    """
    words = list(_joined(line))
    if not words:
        return
    corners = _inside(_mapped(np.array([quad for _, quad in words], float), back), page)
    along, across = (1, 0) if line.vertical else (0, 1)
    starts, ends = corners[..., along].min(axis=1), corners[..., along].max(axis=1)
    low, high = np.median(corners[..., across].min(axis=1)), np.median(corners[..., across].max(axis=1))
    size = max(float(high - low), 1.0)
    base = low + _DESCENT * size if line.vertical else high - _DESCENT * size
    stops = [*starts[1:], ends[-1] + size / 4]
    for (text, _), start, end, stop in zip(words, starts, ends, stops, strict=True):
        length = float(stop if stop > start else end) - float(start)
        letters = text + " "
        stretch = 100 * max(length, 1.0) / (len(letters) * _WIDTH * size)
        origin = (base, start, 0, size, size, 0) if line.vertical else (start, base, size, 0, 0, -size)
        yield _shown(origin, place, stretch, font, codes.encode(letters))


def _shown(origin: Sequence[float], place: Matrix, stretch: float, font: str, code: str) -> str:
    """One string at (x, y) of the page with its axes, one size long, along and up."""
    x, y, along_x, along_y, up_x, up_y = map(float, origin)
    matrix = " ".join(f"{value:.4f}" for value in then((along_x, along_y, up_x, up_y, x, y), place))
    return f"{font} 1 Tf {stretch:.2f} Tz {matrix} Tm <{code}> Tj"


def _joined(line: ReadLine) -> Iterator[tuple[str, Numbers]]:
    """Words of a line that have a text, parts of one word as one; each with its corners."""
    parts: list[ReadWord] = []
    for word in line.words:
        if not word.text:
            continue
        if parts and word.before:
            yield _as_one(parts)
            parts = []
        parts.append(word)
    if parts:
        yield _as_one(parts)


def _as_one(parts: Sequence[ReadWord]) -> tuple[str, Numbers]:
    first, last = np.array(parts[0].quad, float), np.array(parts[-1].quad, float)
    text = _CONTROL.sub("", "".join(part.text for part in parts))
    return text, np.stack([first[0], last[1], last[2], first[3]])


def _mapped(points: Numbers, matrix: Matrix) -> Numbers:
    a, b, c, d, e, f = matrix
    return points @ np.array([[a, b], [c, d]]) + (e, f)


def _inside(points: Numbers, page: ReadPage) -> Numbers:
    """Text outside the page is lost in readers."""
    return np.clip(points, 0, (page.width, page.height))
