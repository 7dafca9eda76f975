"""ALTO 4.0 to 4.4, the XML of libraries and archives: http://www.loc.gov/standards/alto."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ocr_pipeline import __version__
from ocr_pipeline.page import Quad
from ocr_pipeline.reading.forms.boxes import attribute, box_around, in_xml, within, words_in
from ocr_pipeline.reading.forms.texts import from_record
from ocr_pipeline.reading.record import ReadDocument, ReadLine, ReadPage, ReadWord


def alto(document: ReadDocument) -> str:
    """All pages of a file."""
    return "\n".join(_document(document)) + "\n"


def _document(document: ReadDocument) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">'
    yield "<Description><MeasurementUnit>pixel</MeasurementUnit>"
    name = in_xml(document.pages[0].image)
    yield f"<sourceImageInformation><fileName>{name}</fileName></sourceImageInformation>"
    yield '<Processing ID="read"><processingSoftware><softwareName>ocr_pipeline</softwareName>'
    yield f"<softwareVersion>{__version__}</softwareVersion></processingSoftware></Processing></Description>"
    yield "<Layout>"
    for page in document.pages:
        yield from _page(within(page))
    yield "</Layout>\n</alto>"


def _page(page: ReadPage) -> Iterator[str]:
    size = f'WIDTH="{page.width}" HEIGHT="{page.height}"'
    yield f'<Page ID="p{page.number}" PHYSICAL_IMG_NR="{page.number}" {size}>'
    yield f'<PrintSpace HPOS="0" VPOS="0" {size}>'
    for block, lines in groupby(page.lines, key=lambda line: line.block):
        yield from _block(f"p{page.number}b{block}", list(lines))
    yield "</PrintSpace></Page>"


def _block(name: str, lines: Sequence[ReadLine]) -> Iterator[str]:
    yield f'<TextBlock ID="{name}" LANG="ko" {_place(words_in(lines))}>'
    for number, line in enumerate(lines):
        yield f'<TextLine ID="{name}l{number}" {_place(line.words)}>'
        for place, word in enumerate(line.words):
            yield "<SP/>" * bool(place and word.before) + _string(f"{name}l{number}w{place}", word)
        yield "</TextLine>"
    yield "</TextBlock>"


def _string(name: str, word: ReadWord) -> str:
    said = f'CONTENT={attribute(word.text)} WC="{word.confidence:.4f}"'
    return f'<String ID="{name}" {_place([word])} {said}>{_shape(word.quad)}</String>'


def _shape(quad: Quad) -> str:
    points = " ".join(f"{round(x)},{round(y)}" for x, y in quad)
    return f'<Shape><Polygon POINTS="{points}"/></Shape>'


def _place(words: Sequence[ReadWord]) -> str:
    box = box_around(words)
    return f'HPOS="{box.left}" VPOS="{box.top}" WIDTH="{box.width}" HEIGHT="{box.height}"'


ALTO = from_record(".alto.xml", lambda document: alto(document).encode())
