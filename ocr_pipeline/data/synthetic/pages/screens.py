"""Screens: messages in bubbles, lists of settings, buttons, tables of figures; light or dark, crisp."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocr_pipeline.data.synthetic.pages.case import TypeCase
from ocr_pipeline.data.synthetic.pages.clutter import icon
from ocr_pipeline.data.synthetic.pages.grounds import Size, some_colour
from ocr_pipeline.data.synthetic.pages.lettering import Colour, Hand
from ocr_pipeline.data.synthetic.pages.surface import Surface
from ocr_pipeline.data.synthetic.writing import contrasting


def chat(size: Size, case: TypeCase) -> Surface:
    """Bubbles at the left and the right, times beside them."""
    screen, ink = _screen(size, case)
    rng = case.rng
    hand = case.print(case.size(9, 38), ink, "print")
    small = hand._replace(size=max(7, round(hand.size * 0.7)), weight=0)
    bubbles = [some_colour(rng) for _ in range(2)]
    y, leading = hand.size * 1.5, hand.size * float(rng.uniform(1.2, 1.6))
    while y < screen.height - 2 * leading:
        mine, lines = case.chance(0.5), int(rng.integers(1, 4))
        wide = screen.width * float(rng.uniform(0.25, 0.7))
        left = screen.width - wide - hand.size if mine else hand.size * float(rng.uniform(0.5, 3.5))
        colour = bubbles[mine]
        high = lines * leading + hand.size * 0.7
        screen.fill((left, y, left + wide, y + high), colour, hand.size * float(rng.uniform(0, 1)))
        letters = hand._replace(colour=contrasting(np.asarray(colour, float), rng))
        for line in range(lines):
            texts = case.texts(hand.face, int(rng.integers(1, 8)))
            baseline = y + (line + 1) * leading
            screen.write(texts, letters, left + hand.size * 0.6, baseline, left + wide - hand.size * 0.3)
        stamp = f"{int(rng.integers(1, 13))}:{int(rng.integers(60)):02}"
        place = left - 3 * small.size if mine else left + wide + small.size * 0.4
        if place > 0:
            screen.write([case.words.from_list(("오전", "오후")), stamp][case.chance(0.5) :], small, place, y + high)
        y += high + hand.size * float(rng.uniform(0.4, 1.6))
    return screen


def settings(size: Size, case: TypeCase) -> Surface:
    """A bar at the top, rows with an icon, a name, a value; buttons below."""
    screen, ink = _screen(size, case)
    rng = case.rng
    hand = case.print(case.size(9, 36), ink, "print")
    high = hand.size * float(rng.uniform(1.6, 3.2))
    bar = some_colour(rng)
    screen.fill((0, 0, screen.width, high), bar)
    head = hand._replace(colour=contrasting(np.asarray(bar, float), rng), size=round(hand.size * 1.2))
    screen.write_in(
        case.texts(hand.face, int(rng.integers(1, 4))),
        head,
        (high, 0, screen.width - high, high),
        "centre" if case.chance(0.5) else "left",
    )
    icon(screen.pixels, (4, 4, int(high) - 4, int(high) - 4), head.colour, rng)
    y, icons = high, case.chance(0.5)
    while y < screen.height - 2 * high:
        _row(screen, case, hand, y, high, icons)
        y += high
    _buttons(screen, case, hand, y + high * 0.3, high)
    return screen


def spreadsheet(size: Size, case: TypeCase) -> Surface:
    """Cells with words and figures, ruled finely."""
    screen, ink = _screen(size, case)
    rng = case.rng
    hand = case.print(case.size(10, 26), ink, "print")._replace(tracking=0.0, weight=0)
    high = hand.size * float(rng.uniform(1.35, 2.2))
    columns = int(max(2, min(8, screen.width / hand.size / 4)))
    across = screen.width * np.cumsum([0, *rng.dirichlet(np.full(columns, 6.0))])
    line = some_colour(rng, 120, 210, 8)
    for row, y in enumerate(np.arange(0, screen.height - high / 2, high)):
        screen.rule((0, y), (screen.width, y), line)
        for column in range(columns):
            if row and column and case.chance(0.15):
                continue
            figures = bool(row and column % 2)
            texts = [case.words.number()] if figures else case.texts(hand.face, int(rng.choice([1, 1, 2])))
            screen.write_in(
                texts, hand, (across[column] + 3, y, across[column + 1] - 3, y + high), "right" if figures else "left"
            )
    for x in across:
        screen.rule((x, 0), (x, screen.height), line)
    return screen


SCREENS: tuple[Callable[[Size, TypeCase], Surface], ...] = (chat, settings, spreadsheet)


def _screen(size: Size, case: TypeCase) -> tuple[Surface, Colour]:
    point = case.rng.random()
    ground = some_colour(case.rng, 230, 255, 4) if point < 0.6 else some_colour(case.rng, 5, 60, 8)
    if point > 0.85:
        ground = some_colour(case.rng, 60, 220, 30)
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:] = ground
    return Surface(pixels, case.rng), contrasting(np.asarray(ground, float), case.rng)


def _row(screen: Surface, case: TypeCase, hand: Hand, y: float, high: float, icons: bool) -> None:
    left = hand.size * 0.7
    if icons:
        spot = (int(left), int(y + high * 0.2), int(left + high * 0.6), int(y + high * 0.8))
        icon(screen.pixels, spot, some_colour(case.rng), case.rng)
        left += high
    texts, baseline = case.texts(hand.face, int(case.rng.integers(1, 5))), y + high / 2 + 0.37 * hand.size
    end = screen.write(texts, hand, left, baseline, screen.width * 0.7)
    if case.chance(0.5) and end < screen.width * 0.7:
        faint = hand._replace(colour=_between(hand.colour, screen.pixels[int(y) + 2, 1]))
        screen.write_in(
            case.texts(hand.face, 1), faint, (screen.width * 0.72, y, screen.width - hand.size, y + high), "right"
        )
    if case.chance(0.7):
        screen.rule(
            (left, y + high), (screen.width, y + high), _between(hand.colour, screen.pixels[int(y) + 2, 1], 0.25)
        )


def _buttons(screen: Surface, case: TypeCase, hand: Hand, y: float, high: float) -> None:
    count = int(case.rng.integers(1, 4))
    wide = screen.width / count
    for number in range(count):
        box = (number * wide + 6, y, (number + 1) * wide - 6, y + high)
        colour = some_colour(case.rng)
        screen.fill(box, colour, float(case.rng.choice([0, 6, 30])))
        letters = hand._replace(colour=contrasting(np.asarray(colour, float), case.rng))
        screen.write_in(
            case.texts(hand.face, int(case.rng.choice([1, 1, 2]))),
            letters,
            (box[0] + 4, y, box[2] - 4, y + high),
            "centre",
        )


def _between(first: Colour, second: np.ndarray, share: float = 0.6) -> Colour:
    red, green, blue = np.asarray(first) * share + np.asarray(second, float) * (1 - share)
    return int(red), int(green), int(blue)
