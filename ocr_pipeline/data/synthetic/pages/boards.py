"""What hangs, stands and sticks outdoors: signs, plates, banners, notices, packages; each a surface of its own."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ocr_pipeline.data.synthetic.pages.case import TypeCase
from ocr_pipeline.data.synthetic.pages.clutter import any_clutter, arrow, icon
from ocr_pipeline.data.synthetic.pages.grounds import Size, any_ground, noise, some_colour
from ocr_pipeline.data.synthetic.pages.lettering import Colour, Hand
from ocr_pipeline.data.synthetic.pages.surface import Align, Surface
from ocr_pipeline.data.synthetic.writing import contrasting


def sign(size: Size, case: TypeCase) -> Surface:
    """One to four lines, large, with an arrow or an icon beside them, in a frame."""
    board, ink = _board(size, case)
    rng = case.rng
    lines = int(rng.choice([1, 1, 1, 2, 2, 3]))
    left, right = _side(board, case, ink)
    pad = board.height * float(rng.uniform(0.04, 0.16))
    shares = rng.dirichlet(np.full(lines, 5.0))
    edges = pad + (board.height - 2 * pad) * np.cumsum([0, *shares])
    hand = _paint(case, case.size(0.5 * size[1], size[1]), ink, board)
    align: Align = "centre" if case.chance(0.75) else "left"
    for top, bottom in pairwise(edges):
        if case.chance(0.3):
            hand = hand._replace(face=case.face("print", "sign"))
        line = hand._replace(size=int((bottom - top) * rng.uniform(0.55, 0.95)))
        count = int(rng.integers(1, 2 + max(1, int((right - left) / max(line.size, 1) / 3))))
        if line.size > 6:
            board.write_in(case.texts(line.face, min(count, 6)), line, (left, top, right, bottom), align)
    _rim(board, case, ink)
    return board


def pillar(size: Size, case: TypeCase) -> Surface:
    """Words letter below letter, in one column or several."""
    board, ink = _board(size, case)
    columns = int(case.rng.choice([1, 1, 1, 2, 3]))
    wide = board.width / columns
    for column in range(columns):
        hand = _paint(case, max(7, int(wide * case.rng.uniform(0.4, 0.8))), ink, board)
        y = board.height * float(case.rng.uniform(0.02, 0.15))
        if case.chance(0.2) and wide > 12:
            spot = int(column * wide + wide * 0.15), int(y), int((column + 1) * wide - wide * 0.15), int(y + wide * 0.7)
            icon(board.pixels, spot, ink, case.rng)
            y += wide * 0.8
        count = int(case.rng.integers(1, 5))
        board.write_down(case.texts(hand.face, count), hand, (column + 0.5) * wide - hand.size / 2, y)
    _rim(board, case, ink)
    return board


def notice(size: Size, case: TypeCase) -> Surface:
    """A heading and many smaller lines: posters, notices, menus on a wall, the back of a package."""
    board, ink = _board(size, case)
    rng = case.rng
    body = _paint(case, case.size(9, max(10.0, min(44.0, size[1] / 5))), ink, board)._replace(outline=None, shadow=None)
    pad = board.width * float(rng.uniform(0.03, 0.1))
    y = pad + body.size
    if case.chance(0.8):
        head = body._replace(face=case.face("print", "sign"), size=round(body.size * float(rng.uniform(1.3, 3.5))))
        board.write_in(
            case.texts(head.face, int(rng.integers(1, 4))),
            head,
            (pad, y - body.size, board.width - pad, y + 1.2 * head.size),
            "centre",
        )
        y += 1.2 * head.size + body.size
    leading = body.size * float(rng.uniform(1.15, 1.9))
    align = case.chance(0.3)
    while y < board.height - 0.4 * body.size:
        texts = case.texts(body.face, int(rng.integers(1, 14)))
        if align:
            board.write_in(texts[:4], body, (pad, y - body.size, board.width - pad, y + 0.3 * body.size), "centre")
        else:
            board.write(texts, body, pad, y, board.width - pad)
        y += leading * (1.7 if case.chance(0.15) else 1)
    _rim(board, case, ink)
    return board


def patchwork(size: Size, case: TypeCase) -> Surface:
    """Fields of many colours, each with a word or two: price tags, keys, labels, a directory, a map."""
    board, ink = _board(size, case)
    rng = case.rng
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(2, 9))
    gap = float(rng.uniform(0, 8))
    across = board.width * np.cumsum([0, *rng.dirichlet(np.full(columns, 8.0))])
    down = board.height * np.cumsum([0, *rng.dirichlet(np.full(rows, 8.0))])
    face = case.face("print", "sign")
    for top, bottom in pairwise(down):
        for left, right in pairwise(across):
            colour = ink
            box = (left + gap, top + gap, right - gap, bottom - gap)
            if case.chance(0.5):
                ground = some_colour(rng)
                board.fill(box, ground, float(rng.choice([0, 0, 8, 30])))
                colour = contrasting(np.asarray(ground, float), rng)
            if case.chance(0.15):
                any_clutter(board.pixels, (int(box[0]), int(box[1]), int(box[2]), int(box[3])), colour, rng)
            elif bottom - top > 10:
                hand = case.print(case.size(7, max(8.0, bottom - top - 2 * gap)), colour)._replace(face=face)
                board.write_in(
                    case.texts(face, int(rng.integers(1, 4))),
                    hand,
                    (left + gap + 4, top + gap, right - gap - 4, bottom - gap),
                    "centre",
                )
    return board


def _board(size: Size, case: TypeCase) -> tuple[Surface, Colour]:
    """A board and the colour of its letters; most are plain, some have a calm picture below the letters."""
    rng = case.rng
    ground = np.asarray(some_colour(rng, 15, 240, 45), np.float64)
    pixels = ground + noise(size, rng, rng.uniform(30, 300))[..., None] * rng.uniform(0, 9)
    pixels += np.linspace(1, -1, size[1])[:, None, None] * rng.uniform(0, 18)
    if case.chance(0.15):
        texture = any_ground(size, rng).astype(np.float64)
        pixels += (texture - texture.mean()) * rng.uniform(0.1, 0.35)
    return Surface(np.clip(pixels, 0, 255).astype(np.uint8), rng), contrasting(ground, rng)


def _paint(case: TypeCase, size: int, ink: Colour, board: Surface) -> Hand:
    """Letters for boards: stronger, some with a rim or a shadow."""
    hand = case.print(max(size, 7), ink, "print", "sign") if case.chance(0.85) else case.script(max(size, 7), ink)
    ground = tuple(int(value) for value in board.pixels.reshape(-1, 3)[0])
    point = case.rng.random()
    if point < 0.12:
        return hand._replace(outline=some_colour(case.rng), colour=ink)
    if point < 0.2:
        return hand._replace(outline=ink, colour=(ground[0], ground[1], ground[2]))
    if point < 0.32:
        return hand._replace(shadow=some_colour(case.rng, 20, 200))
    return hand


def _side(board: Surface, case: TypeCase, ink: Colour) -> tuple[float, float]:
    """Room for the text, beside an arrow or an icon where there is one."""
    pad = board.width * 0.04
    if board.width < 2 * board.height or case.chance(0.65):
        return pad, board.width - pad
    side = board.height * 0.8
    box = (int(pad), int(board.height * 0.15), int(pad + side), int(board.height * 0.85))
    (arrow if case.chance(0.5) else icon)(board.pixels, box, ink, case.rng)
    return pad * 1.5 + side, board.width - pad


def _rim(board: Surface, case: TypeCase, ink: Colour) -> None:
    if case.chance(0.4):
        thick = int(case.rng.integers(1, 2 + board.height // 30))
        inset = int(case.rng.uniform(0, 0.03) * board.height)
        cv2.rectangle(board.pixels, (inset, inset), (board.width - 1 - inset, board.height - 1 - inset), ink, thick)
