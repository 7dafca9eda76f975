"""Paper pages: letters and registers of public offices, forms of banks and carriers, sheets of handwriting.

Every function draws one page of ``size`` (width, height) pixels; ``rng`` decides everything that varies.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocr_pipeline.data.synthetic import vocabulary
from ocr_pipeline.data.synthetic.drawing import BLACK, GREY, SHADE, Box, Colour, Drawing, Pen, Picture
from ocr_pipeline.data.synthetic.words import KoreanWords
from ocr_pipeline.data.synthetic.writing import paper

Size = tuple[int, int]

PEN_COLOURS: dict[str, Colour] = {"black": (30, 30, 36), "blue": (28, 52, 150), "red": (178, 34, 42)}
TOPICS = ("보고서", "계획서", "신고서", "허가서", "통지서", "회의록", "검토서", "현황", "대장")
PARTY_CAPTIONS = ("송하인", "수하인", "통지처", "운송인", "선적항", "양하항", "선박명", "원산지")
GOODS_CAPTIONS = ("품명", "수량", "금액")
FIELDS: tuple[tuple[str, Callable[[KoreanWords], str]], ...] = (
    ("성명", KoreanWords.name),
    ("대리인", KoreanWords.name),
    ("예금주", KoreanWords.name),
    ("생년월일", KoreanWords.date),
    ("사고일", KoreanWords.date),
    ("전화번호", KoreanWords.phone),
    ("계좌번호", KoreanWords.account),
    ("금액", KoreanWords.amount),
    ("보험료", KoreanWords.amount),
    ("대출금", KoreanWords.amount),
    ("주소", KoreanWords.place),
    ("근무처", KoreanWords.finance),
    ("내용", KoreanWords.finance),
    ("구분", KoreanWords.finance),
)
BRANDS: tuple[Colour, ...] = ((20, 70, 140), (0, 110, 90), (120, 30, 60), (60, 60, 90), (190, 95, 20))


# -- public offices: everything printed, everything labelled ----------------------------------------------------------


def office_letter(size: Size, rng: np.random.Generator) -> Picture:
    """An official letter: title, table of particulars, numbered paragraphs, the office and its seal."""
    page = _sheet_of_paper(size, rng)
    font = page.vocabulary.from_list(("sans", "serif"))
    left, right, top = page.length(36), page.width - page.length(36), page.length(34)
    top = _title(page, font, (left, top, right, top + page.length(44))) + page.length(22)
    bottom = top + page.length(3 * 40)
    for row in page.table((left, top, right, bottom), 3, (2, 3, 2, 3), shaded=(0, 2)):
        for column, cell in enumerate(row):
            caption = column % 2 == 0
            text = page.vocabulary.from_list(vocabulary.ADMINISTRATION) if caption else page.vocabulary.administration()
            page.write(text, Pen(font, 20 if caption else 22), cell, "centre" if caption else "left")
    foot = page.height - page.length(96)
    _paragraphs(page, font, (left, bottom + page.length(26), right, foot))
    _signed_by_office(page, font, (left, foot + page.length(20), right, foot + page.length(62)))
    return _finished(page)


def register(size: Size, rng: np.random.Generator) -> Picture:
    """A page of a register: title, a table with a row of captions, a remark below."""
    page = _sheet_of_paper(size, rng)
    font = page.vocabulary.from_list(("sans", "serif"))
    left, right, top = page.length(28), page.width - page.length(28), page.length(34)
    top = _title(page, font, (left, top, right, top + page.length(44))) + page.length(30)
    rows, columns = int(rng.integers(5, 7)), (2, 3, 3, 3) if rng.random() < 0.5 else (3, 4, 4)
    bottom = min(top + rows * page.length(int(rng.integers(44, 62))), page.height - page.length(110))
    page.fill((left, top, right, top + (bottom - top) // rows), SHADE)
    for number, row in enumerate(page.table((left, top, right, bottom), rows, columns)):
        for column, cell in enumerate(row):
            if number == 0:
                text, pen = page.vocabulary.from_list(vocabulary.ADMINISTRATION), Pen(font, 22)
            elif column == 0:
                text, pen = str(number), Pen(font, 22)
            else:
                text, pen = page.vocabulary.administration(), Pen(font, int(rng.integers(20, 25)))
            page.write(text, pen, cell, "centre")
    _paragraphs(page, font, (left, bottom + page.length(24), right, page.height - page.length(30)), lines=3)
    return _finished(page)


# -- banks and carriers: the form is printed, only what was filled in is labelled -------------------------------------


def bank_form(size: Size, rng: np.random.Generator) -> Picture:
    """An application to a bank or insurer, filled in by hand."""
    page, pen = _digital_form(size, rng), _colour_of_pen(rng, ("black", "blue"))
    hand, left, right = _hand(pen, 27), page.length(28), page.width - page.length(28)
    top = _coloured_head(page, vocabulary.FINANCE) + page.length(44)
    for _ in range(2):
        bottom = top + page.length(3 * 50)
        for row in page.table((left, top, right, bottom), 3, (2, 3.4, 2, 3.4), shaded=(0, 2)):
            for caption, value in (row[:2], row[2:]):
                printed, draw = FIELDS[int(rng.integers(len(FIELDS)))]
                page.write(printed, _printed(18), caption, "centre")
                page.write(draw(page.vocabulary), hand, value)
        top = bottom + page.length(34)
        _caption_line(page, (left, bottom + page.length(8), right, bottom + page.length(24)), vocabulary.FINANCE)
    _small_print(page, (left, top, right, page.height - page.length(120)))
    _signature(page, hand, (left, page.height - page.length(104), right, page.height - page.length(30)))
    return _finished(page, pen)


def carrier_form(size: Size, rng: np.random.Generator) -> Picture:
    """A commercial invoice or packing list: boxes for the parties, a table of goods."""
    page, pen = _digital_form(size, rng), _colour_of_pen(rng, ("black", "blue"))
    hand, left, right, top = _hand(pen, 25), page.length(28), page.width - page.length(28), page.length(30)
    title = page.vocabulary.from_list(("상업송장", "포장명세서", "선하증권", "원산지증명서"))
    page.write(title, _printed(30), (left, top, right, top + page.length(40)), "centre")
    page.rule((left, top + page.length(50)), (right, top + page.length(50)), GREY)
    top += page.length(64)
    bottom = top + page.length(3 * 74)
    captions = iter(rng.permutation(PARTY_CAPTIONS))
    for row in page.table((left, top, right, bottom), 3, (1, 1)):
        for x0, y0, x1, y1 in row:
            middle = y0 + page.length(18)
            page.write(str(next(captions)), _printed(13), (x0, y0, x1, middle))
            words = [page.vocabulary.logistics() for _ in range(int(rng.integers(1, 3)))]
            page.write_line(words, hand, (x0 + page.length(6), middle + page.length(6), x1, y1))
    rows = page.table(_below(page, left, right, bottom, 6 * 46), 6, (3, 2, 2), shaded=())
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if number == 0:
                page.write(GOODS_CAPTIONS[column], _printed(18), cell, "centre")
            elif number < 5 or column:
                draw = (page.vocabulary.logistics, page.vocabulary.contents, page.vocabulary.amount)[column]
                page.write(draw(), hand, cell, "left" if column == 0 else "right")
    return _finished(page, pen)


# -- handwriting: printed helps remain unlabelled ---------------------------------------------------------------------


def free_sheet(size: Size, rng: np.random.Generator, number: int) -> Picture:
    """A ruled sheet with words written freely; the sheet's number with a leading 0 comes first."""
    page, pen = _sheet_of_paper(size, rng, grain=1), _colour_of_pen(rng, ("black", "blue", "red"))
    left, right, top = page.length(30), page.width - page.length(24), page.length(26)
    page.write("손글씨", _printed(14), (left, top, right, top + page.length(30)))
    page.write(f"0{number}", _hand(pen, 24), (page.width // 2, top, right, top + page.length(34)), "right")
    step = page.length(int(rng.integers(64, 76)))
    for line in range(top + page.length(40) + step, page.height - page.length(16), step):
        page.rule((left, line), (right, line), (196, 208, 226))
        start = left + page.length(float(rng.uniform(2, 40)))
        words = [page.vocabulary.handwriting() for _ in range(int(rng.integers(2, 5)))]
        place = (start, line - step + page.length(6), right, line - page.length(4))
        page.write_line(words, _hand(pen, float(rng.uniform(26, 34))), place, gap=26)
    return _finished(page, pen)


def ruled_sheet(size: Size, rng: np.random.Generator, number: int) -> Picture:
    """A form whose fields were filled in by hand; the sheet's number comes first."""
    page, pen = _sheet_of_paper(size, rng, grain=1), _colour_of_pen(rng, ("black", "blue", "red"))
    hand, left, right, top = _hand(pen, 29), page.length(30), page.width - page.length(30), page.length(28)
    page.write("정보제공", _printed(26), (left, top, page.width // 2, top + page.length(40)))
    page.write(str(number), hand, (page.width // 2, top, right, top + page.length(40)), "right")
    top += page.length(58)
    rows = max(2, (page.height - top - page.length(30)) // page.length(62))
    for row in page.table((left, top, right, page.height - page.length(30)), rows, (2, 3, 3), shaded=(0,)):
        page.write(page.vocabulary.from_list(vocabulary.ADMINISTRATION), _printed(19), row[0], "centre")
        for cell in row[1:]:
            page.write(page.vocabulary.handwriting(), hand, cell)
    return _finished(page, pen)


# -- parts ------------------------------------------------------------------------------------------------------------


def _sheet_of_paper(size: Size, rng: np.random.Generator, grain: int = 3) -> Drawing:
    return Drawing(paper((size[1], size[0]), rng, grain), rng)


def _digital_form(size: Size, rng: np.random.Generator) -> Drawing:
    return Drawing(np.full((size[1], size[0], 3), 255, np.uint8), rng)


def _finished(page: Drawing, pen: str = "black") -> Picture:
    return Picture(page.pixels, tuple(page.words), pen)


def _printed(size: float, colour: Colour = BLACK) -> Pen:
    """Print of the form itself, which the sets leave unlabelled."""
    return Pen("sans", size, colour=colour, labelled=False)


def _hand(colour: str, size: float) -> Pen:
    return Pen("serif", size, "handwriting", PEN_COLOURS[colour])


def _colour_of_pen(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))]


def _below(page: Drawing, left: int, right: int, top: int, height: float) -> Box:
    start = top + page.length(24)
    return left, start, right, min(start + page.length(height), page.height - page.length(16))


def _title(page: Drawing, font: str, place: Box) -> int:
    """A centred title of two words with a double line below; returns the y where it ends."""
    x0, y0, x1, y1 = place
    middle, gap = (x0 + x1) // 2, page.length(7)
    words = page.vocabulary.from_list(vocabulary.ADMINISTRATION), page.vocabulary.from_list(TOPICS)
    start = page.write(words[0], Pen(font, 33), (x0, y0, middle - gap, y1), "right")[0]
    end = page.write(words[1], Pen(font, 33), (middle + gap, y0, x1, y1), "left")[2]
    for drop in (8, 12):
        page.rule((start, y1 + page.length(drop)), (end, y1 + page.length(drop)))
    return y1 + page.length(12)


def _paragraphs(page: Drawing, font: str, place: Box, lines: int = 5) -> None:
    """Numbered lines of two to four words, as many as have room."""
    x0, top, x1, end = place
    step = page.length(45)
    number = 1
    for line in range(min(lines, (end - top) // step)):
        words = [page.vocabulary.administration() for _ in range(int(page.rng.integers(2, 4)))]
        indent = page.length(26) if line % 3 == 2 else 0
        if not indent:
            words.insert(0, f"{number}.")
            number += 1
        page.write_line(words, Pen(font, 23), (x0 + indent, top, x1, top + page.length(32)))
        top += step


def _signed_by_office(page: Drawing, font: str, place: Box) -> None:
    """The office in large letters, with its red seal."""
    x0, y0, x1, y1 = place
    office = page.vocabulary.place()[:4] + page.vocabulary.from_list(("장", "청장", "의회", "지사"))
    end = page.write(office, Pen(font, 32), (x0, y0, x1 - page.length(80), y1), "centre")[2]
    side = page.length(46)
    seal = (end + page.length(14), (y0 + y1 - side) // 2, end + page.length(14) + side, (y0 + y1 + side) // 2)
    red = (196, 48, 44)
    page.frame(seal, red, 1 + page.width // 300)
    inner = page.length(8)
    page.write("印", Pen("serif", 28, colour=red), (seal[0] + inner, seal[1] + inner, seal[2] - inner, seal[3] - inner))


def _coloured_head(page: Drawing, words: tuple[str, ...]) -> int:
    """A coloured bar with the form's title; returns the y where it ends."""
    brand = BRANDS[int(page.rng.integers(len(BRANDS)))]
    height = page.length(62)
    page.fill((0, 0, page.width, height), brand)
    middle = page.length(44), height // 2
    cv2.circle(page.pixels, middle, page.length(16), (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(page.pixels, middle, page.length(8), brand, -1, cv2.LINE_AA)
    title = page.vocabulary.from_list(words) + page.vocabulary.from_list(("신청서", "확인서", "동의서", "청구서"))
    page.write(title, _printed(28, (255, 255, 255)), (page.length(76), 0, page.width - page.length(28), height))
    return height


def _caption_line(page: Drawing, place: Box, words: tuple[str, ...]) -> None:
    page.write_line([page.vocabulary.from_list(words) for _ in range(9)], _printed(11, GREY), place, gap=5)


def _small_print(page: Drawing, place: Box) -> None:
    """Lines of small grey print, as many as have room."""
    x0, top, x1, end = place
    for y in range(top, end - page.length(16), page.length(18)):
        _caption_line(page, (x0, y, x1, y + page.length(15)), vocabulary.FINANCE + vocabulary.ADMINISTRATION)


def _signature(page: Drawing, hand: Pen, place: Box) -> None:
    """Date and name, with printed helps around them."""
    x0, y0, x1, y1 = place
    middle = (y0 + y1) // 2
    page.write(page.vocabulary.date(), hand, (x0, y0, x1, middle - page.length(2)), "centre")
    across = (x0 + x1) // 2
    page.write("신청인", _printed(19), (x0, middle, across - page.length(20), y1), "right")
    page.write(page.vocabulary.name(), hand, (across, middle + page.length(2), x1 - page.length(90), y1))
    page.write("(인)", _printed(19, GREY), (x1 - page.length(60), middle, x1, y1))
