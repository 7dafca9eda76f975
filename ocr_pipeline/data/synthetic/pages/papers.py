"""Sheets: documents in columns, forms with tables, receipts, lists, notes by hand. Every word on them is labelled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocr_pipeline.data.synthetic.pages.case import TypeCase
from ocr_pipeline.data.synthetic.pages.clutter import any_clutter, barcode, scribble
from ocr_pipeline.data.synthetic.pages.grounds import Size, plain, rough, some_colour
from ocr_pipeline.data.synthetic.pages.lettering import Colour, Hand
from ocr_pipeline.data.synthetic.pages.surface import Align, Surface
from ocr_pipeline.data.synthetic.writing import contrasting, paper

RULES: tuple[Colour, ...] = ((60, 60, 65), (130, 130, 135), (190, 195, 205), (90, 110, 160))


def document(size: Size, case: TypeCase) -> Surface:
    """Title, headings and paragraphs in one or two columns, items, the number of the page."""
    sheet, rng = _sheet(size, case), case.rng
    body = case.print(case.size(8, 28), _ink(case))
    margin, y = sheet.width * float(rng.uniform(0.03, 0.1)), body.size * float(rng.uniform(1.5, 4))
    if case.chance(0.7):
        y = _title(sheet, case, body, margin, y)
    columns = 2 if sheet.width > 30 * body.size and case.chance(0.35) else 1
    gutter = body.size * 2
    wide = (sheet.width - 2 * margin - (columns - 1) * gutter) / columns
    leading, foot = body.size * float(rng.uniform(1.25, 2.1)), sheet.height - 2.5 * body.size
    for column in range(columns):
        left = margin + column * (wide + gutter)
        _column(sheet, case, body, (left, y, left + wide, foot), leading)
    if case.chance(0.6):
        number = str(int(rng.integers(1, 300)))
        text = number if case.chance(0.5) else f"- {number} -"
        x = float(rng.choice([0.5, 0.08, 0.9])) * sheet.width
        sheet.write(text.split(), body._replace(size=max(7, body.size - 1)), x, sheet.height - body.size)
    return sheet


def form(size: Size, case: TypeCase) -> Surface:
    """Tables whose captions are printed and whose fields are filled in, by machine or by hand; seals, signatures."""
    sheet, rng = _sheet(size, case), case.rng
    printed = case.print(case.size(8, 26), _ink(case), "print")
    filled = (
        printed if case.chance(0.4) else case.script(round(printed.size * float(rng.uniform(1.1, 1.9))), _pen(case))
    )
    margin, y = sheet.width * float(rng.uniform(0.02, 0.08)), printed.size * 2.0
    if case.chance(0.8):
        y = _title(sheet, case, printed, margin, y)
    while y < sheet.height - 6 * printed.size:
        rows, columns = int(rng.integers(1, 9)), int(rng.integers(2, 7))
        high = max(printed.size, filled.size) * float(rng.uniform(1.3, 2.4))
        rows = min(rows, int((sheet.height - y - printed.size) / high))
        if rows < 1:
            break
        _table(sheet, case, (margin, y, sheet.width - margin, y + rows * high), (rows, columns), printed, filled)
        y += rows * high + printed.size * float(rng.uniform(0.5, 2))
        if case.chance(0.6):
            y += printed.size
            sheet.write(case.texts(printed.face, int(rng.integers(2, 14))), printed, margin, y, sheet.width - margin)
            y += printed.size * float(rng.uniform(0.8, 2.5))
    if case.chance(0.5):
        _seal(sheet, case)
    return sheet


def receipt(size: Size, case: TypeCase) -> Surface:
    """Names at the left, amounts at the right, lines of dashes, a bar code: tills, labels of goods, menus."""
    sheet, rng = _sheet(size, case), case.rng
    hand = case.print(case.size(9, 34), _ink(case))
    y, left, right = hand.size * 2.0, sheet.width * 0.04, sheet.width * 0.96
    leading = hand.size * float(rng.uniform(1.2, 1.9))
    while y < sheet.height - hand.size:
        kind = rng.random()
        if kind < 0.12:
            sheet.rule((left, y - hand.size / 2), (right, y - hand.size / 2), _rule(case), int(rng.integers(1, 3)))
        elif kind < 0.17 and y + 4 * hand.size < sheet.height:
            barcode(sheet.pixels, (int(left), int(y), int(right), int(y + 3 * hand.size)), (0, 0, 0), rng)
            y += 4 * hand.size
        elif kind < 0.35:
            align: Align = "centre" if case.chance(0.6) else "left"
            big = hand._replace(size=round(hand.size * float(rng.uniform(1, 1.8))))
            sheet.write_in(
                case.texts(hand.face, int(rng.integers(1, 5))), big, (left, y, right, y + 2 * leading), align
            )
            y += 1.6 * leading
        else:
            end = sheet.write(case.texts(hand.face, int(rng.integers(1, 4))), hand, left, y, sheet.width * 0.62)
            figures = [case.words.amount() for _ in range(int(rng.integers(1, 3)))]
            if end < sheet.width * 0.66:
                sheet.write_in(figures, hand, (sheet.width * 0.66, y - hand.size, right, y + 0.3 * hand.size), "right")
        y += leading
    return sheet


def note(size: Size, case: TypeCase) -> Surface:
    """A page written by hand: on lines, on squares, on plain paper; lines that climb and crowd."""
    sheet, rng = _sheet(size, case), case.rng
    hand = case.script(case.size(14, 90), _pen(case))
    leading = hand.size * float(rng.uniform(1.15, 2.0))
    _lines(sheet, case, leading)
    y, left = leading * float(rng.uniform(0.9, 1.6)), sheet.width * float(rng.uniform(0.02, 0.12))
    while y < sheet.height:
        if case.chance(0.88):
            x = left + float(rng.uniform(0, 2)) * hand.size * case.chance(0.3)
            sheet.write(
                case.texts(hand.face, int(rng.integers(1, 12))),
                hand,
                x,
                y + float(rng.normal(0, 1)),
                sheet.width * 0.99,
            )
        y += leading
    for _ in range(int(rng.integers(0, 3))):
        x, top = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
        box = (int(x), int(top), int(x + hand.size * 2), int(top + hand.size))
        if not _meets(sheet, box):
            any_clutter(sheet.pixels, box, hand.colour, rng)
    return sheet


SHEETS: dict[str, Callable[[Size, TypeCase], Surface]] = {
    "document": document,
    "form": form,
    "receipt": receipt,
    "note": note,
}


def _sheet(size: Size, case: TypeCase) -> Surface:
    point = case.rng.random()
    if point < 0.7:
        return Surface(paper(size[::-1], case.rng), case.rng)
    if point < 0.85:
        return Surface(np.full((size[1], size[0], 3), 255, np.uint8), case.rng)
    pixels = (rough if case.chance(0.5) else plain)(size, case.rng)
    tint = np.asarray(some_colour(case.rng, 200, 245, 14), np.float32)
    return Surface(np.clip(tint + (pixels - pixels.mean()) * 0.3, 0, 255).astype(np.uint8), case.rng)


def _ink(case: TypeCase) -> Colour:
    dark = int(case.rng.integers(0, 80))
    return (dark, dark, dark) if case.chance(0.8) else some_colour(case.rng, 20, 90, 40)


def _pen(case: TypeCase) -> Colour:
    pens: tuple[Colour, ...] = ((25, 25, 30), (50, 50, 60), (25, 40, 120), (40, 70, 170), (70, 70, 75), (170, 35, 45))
    return pens[int(case.rng.integers(len(pens)))]


def _rule(case: TypeCase) -> Colour:
    return RULES[int(case.rng.integers(len(RULES)))]


def _title(sheet: Surface, case: TypeCase, body: Hand, margin: float, y: float) -> float:
    """A large line, perhaps on a coloured band; returns where the text below may begin."""
    size = round(body.size * float(case.rng.uniform(1.4, 3.2)))
    colour = body.colour
    band = (margin / 2, y - body.size, sheet.width - margin / 2, y + 1.3 * size)
    if case.chance(0.25):
        ground = some_colour(case.rng)
        sheet.fill(band, ground)
        colour = contrasting(np.asarray(ground, float), case.rng)
    hand = case.print(size, colour, "print", "sign")
    align: Align = "centre" if case.chance(0.6) else "left"
    texts = case.texts(hand.face, int(case.rng.integers(1, 5)))
    sheet.write_in(texts, hand, (margin, y - body.size, sheet.width - margin, y + 1.3 * size), align)
    if case.chance(0.3):
        sheet.rule(
            (margin, y + 1.5 * size), (sheet.width - margin, y + 1.5 * size), _rule(case), int(case.rng.integers(1, 4))
        )
    return y + 1.5 * size + body.size * float(case.rng.uniform(1.5, 3))


def _column(sheet: Surface, case: TypeCase, body: Hand, box: tuple[float, float, float, float], leading: float) -> None:
    """Paragraphs and items; now and then a heading, a picture or a gap."""
    x0, y, x1, foot = box
    rng, mark = case.rng, case.chance(0.3)
    while y < foot:
        lines = int(rng.integers(1, 7))
        if case.chance(0.25):
            bold = body._replace(size=round(body.size * float(rng.uniform(1, 1.5))), weight=int(body.size > 9))
            sheet.write(case.texts(body.face, int(rng.integers(1, 5))), bold, x0, y, x1)
            y += leading * 1.4
        elif case.chance(0.06) and y + 6 * leading < foot:
            wide = int((x1 - x0) * rng.uniform(0.2, 1))
            any_clutter(
                sheet.pixels, (int(x0), int(y - leading / 2), int(x0) + wide, int(y + 4.5 * leading)), _rule(case), rng
            )
            y += 6 * leading
        for line in range(lines):
            if y >= foot:
                return
            x = x0 + body.size * (0 if line or not mark else float(rng.uniform(0, 1.5)))
            if mark and not line:
                x = sheet.write([case.mark(body.face)], body, x, y, x1)
            many = 60 if line < lines - 1 else int(rng.integers(1, 12))
            sheet.write(case.texts(body.face, min(many, int((x1 - x) / body.size) + 1)), body, x, y, x1)
            y += leading
        y += leading * float(rng.uniform(0, 0.9))


def _table(
    sheet: Surface,
    case: TypeCase,
    box: tuple[float, float, float, float],
    shape: tuple[int, int],
    printed: Hand,
    filled: Hand,
) -> None:
    """Equal rows, columns of any width; the first row or column holds captions, perhaps on a shade."""
    x0, y0, x1, y1 = box
    (rows, columns), rng = shape, case.rng
    across = x0 + (x1 - x0) * np.cumsum([0, *rng.dirichlet(np.full(columns, 6.0))])
    down = np.linspace(y0, y1, rows + 1)
    colour, thick, top = _rule(case), int(rng.integers(1, 3)), case.chance(0.5)
    if case.chance(0.4):
        shade = (x0, y0, x1, down[1]) if top else (x0, y0, across[1], y1)
        sheet.fill(shade, some_colour(rng, 205, 240, 12))
    if case.chance(0.85):
        for y in down:
            sheet.rule((x0, y), (x1, y), colour, thick)
        for x in across if case.chance(0.8) else across[:0]:
            sheet.rule((x, y0), (x, y1), colour, thick)
    aligns: tuple[Align, ...] = ("left", "centre", "right")
    align = aligns[int(rng.integers(3))]
    for row in range(rows):
        for column in range(columns):
            caption = row == 0 if top else column == 0
            hand = printed if caption else filled
            if caption or case.chance(0.8):
                count = int(rng.choice([1, 1, 1, 2, 3]))
                cell = (across[column] + 4, down[row] + 2, across[column + 1] - 4, down[row + 1] - 2)
                sheet.write_in(case.texts(hand.face, count), hand, cell, "centre" if caption else align)


def _seal(sheet: Surface, case: TypeCase) -> None:
    """A stamp without legible letters, or a signature."""
    side = int(case.rng.uniform(0.05, 0.15) * sheet.width)
    x, y = int(case.rng.uniform(0.5, 0.95) * sheet.width), int(case.rng.uniform(0.5, 0.95) * sheet.height)
    box = (x, y, x + side, y + side)
    if not _meets(sheet, box):
        scribble(sheet.pixels, box, (190, 40, 50), case.rng)
        sheet.frame(box, (190, 40, 50), 2)


def _lines(sheet: Surface, case: TypeCase, leading: float) -> None:
    """What a writing pad has printed on it."""
    kind, colour = case.rng.random(), some_colour(case.rng, 170, 225, 15)
    if kind < 0.75:
        for y in np.arange(leading * 1.2, sheet.height, leading):
            sheet.rule((0, y), (sheet.width, y), colour)
    if 0.5 < kind < 0.75:
        for x in np.arange(leading, sheet.width, leading):
            sheet.rule((x, 0), (x, sheet.height), colour)


def _meets(sheet: Surface, box: tuple[int, int, int, int]) -> bool:
    x0, y0, x1, y1 = box
    return any(
        word.quad[:, 0].min() < x1
        and word.quad[:, 0].max() > x0
        and word.quad[:, 1].min() < y1
        and word.quad[:, 1].max() > y0
        for word in sheet.words
    )
