"""hOCR 1.2: HTML that says where each word stands, as Tesseract writes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ocr_pipeline import __version__
from ocr_pipeline.reading.forms.boxes import Box, attribute, box_around, in_xml, within, words_in
from ocr_pipeline.reading.forms.texts import from_record
from ocr_pipeline.reading.record import ReadDocument, ReadLine, ReadPage, ReadWord

_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="ko" lang="ko">
<head>
<title></title>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<meta name="ocr-system" content="ocr_pipeline {__version__}"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word"/>
</head>
<body>
"""


def hocr(document: ReadDocument) -> str:
    """All pages of a file."""
    lines = (line + "\n" for page in document.pages for line in _page(within(page)))
    return f"{_HEAD}{''.join(lines)}</body>\n</html>\n"


def _page(page: ReadPage) -> Iterator[str]:
    name = page.image.replace('"', "'")
    title = f'image "{name}"; bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}'
    yield f'<div class="ocr_page" id="page_{page.number}" title={attribute(title)}>'
    for block, lines in groupby(page.lines, key=lambda line: line.block):
        yield from _block(f"{page.number}_{block + 1}", list(lines))
    yield "</div>"


def _block(name: str, lines: list[ReadLine]) -> Iterator[str]:
    box = _bbox(box_around(words_in(lines)))
    yield f'<div class="ocr_carea" id="block_{name}" title="{box}">'
    yield f'<p class="ocr_par" id="par_{name}" lang="ko" title="{box}">'
    for number, line in enumerate(lines, start=1):
        around = box_around(line.words)
        title = _bbox(around) + ("" if line.vertical else f"; {_baseline(line, around)}")
        words = "".join(_word(f"{name}_{number}_{place}", word) for place, word in enumerate(line.words, start=1))
        yield f'<span class="ocr_line" id="line_{name}_{number}" title="{title}">{words}</span>'
    yield "</p>\n</div>"


def _word(name: str, word: ReadWord) -> str:
    title = f"{_bbox(box_around([word]))}; x_wconf {round(100 * word.confidence)}"
    return f'{word.before}<span class="ocrx_word" id="word_{name}" title="{title}">{in_xml(word.text)}</span>'


def _bbox(box: Box) -> str:
    return "bbox {} {} {} {}".format(*box)


def _baseline(line: ReadLine, box: Box) -> str:
    """Its slope, and how far above the box's bottom left corner it begins; y points down."""
    (x0, y0), (x1, y1) = line.words[0].quad[3], line.words[-1].quad[2]
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    return f"baseline {slope:.3f} {round(y0 - slope * (x0 - box.left) - box.bottom)}"


HOCR = from_record(".hocr", lambda document: hocr(document).encode())
