"""Out of doors: boards before a ground, beside things that are no text; and pictures without any text."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocr_pipeline.data.synthetic.pages import boards, optics
from ocr_pipeline.data.synthetic.pages.case import TypeCase
from ocr_pipeline.data.synthetic.pages.clutter import any_clutter
from ocr_pipeline.data.synthetic.pages.grounds import Size, any_ground, some_colour
from ocr_pipeline.data.synthetic.pages.lettering import Points, quad_of
from ocr_pipeline.data.synthetic.pages.papers import SHEETS
from ocr_pipeline.data.synthetic.pages.surface import Surface
from ocr_pipeline.data.synthetic.writing import contrasting

Draw = Callable[[Size, TypeCase], Surface]
Area = tuple[float, float, float, float]

_BOARDS: tuple[Draw, ...] = (boards.sign, boards.sign, boards.sign, boards.notice, boards.patchwork)


def nothing(size: Size, case: TypeCase) -> Surface:
    """Grounds and things that are no text."""
    rng = case.rng
    surface = Surface(any_ground(size, rng), rng)
    for _ in range(int(rng.integers(0, 12))):
        _something(surface, case)
    for _ in range(int(rng.integers(0, 3))):
        wide, high = (int(value) for value in rng.uniform(60, 300, 2))
        other = Surface(any_ground((wide, high), rng), rng)
        for _ in range(int(rng.integers(0, 4))):
            _something(other, case)
        surface.lay(other, optics.tilted((wide, high), rng.uniform(0, 1, 2) * size, rng.normal(0, 0.2), 0.15, rng))
    return surface


def _something(surface: Surface, case: TypeCase) -> None:
    rng = case.rng
    wide, high = (int(np.exp(value)) for value in rng.uniform(np.log(12), np.log(180), 2))
    x, y = (int(value) for value in rng.uniform(0, 1, 2) * (surface.width, surface.height))
    ground = surface.pixels[min(y, surface.height - 1), min(x, surface.width - 1)].astype(float)
    colour = contrasting(ground, rng) if case.chance(0.6) else some_colour(rng)
    any_clutter(surface.pixels, (x, y, x + wide, y + high), colour, rng)


def scene(size: Size, case: TypeCase) -> Surface:
    """Boards before a ground, beside things that are no text; now and then words painted on the ground itself."""
    rng = case.rng
    street = Surface(any_ground(size, rng), rng)
    for _ in range(int(rng.integers(0, 8))):
        _something(street, case)
    if case.chance(0.15):
        _painted(street, case)
    for place in _places(size, rng):
        _hang(street, case, place)
    return street


def _places(size: Size, rng: np.random.Generator) -> list[Area]:
    """Parts of the picture for one board each, cut again and again across the longer side."""
    places = [(0.0, 0.0, float(size[0]), float(size[1]))]
    for _ in range(int(rng.choice([0, 0, 0, 1, 1, 2, 3, 5]))):
        x0, y0, x1, y1 = places.pop(int(np.argmax([(c - a) * (d - b) for a, b, c, d in places])))
        share = rng.uniform(0.3, 0.7)
        if x1 - x0 > (y1 - y0) * rng.uniform(0.6, 1.7):
            cut = x0 + share * (x1 - x0)
            places += [(x0, y0, cut, y1), (cut, y0, x1, y1)]
        else:
            cut = y0 + share * (y1 - y0)
            places += [(x0, y0, x1, cut), (x0, cut, x1, y1)]
    return places


def _hang(scene: Surface, case: TypeCase, place: Area) -> None:
    rng = case.rng
    x0, y0, x1, y1 = place
    room = np.array([x1 - x0, y1 - y0]) * rng.uniform(0.65, 1.05, 2)
    upright = room[1] > 1.6 * room[0]
    if not upright and case.chance(0.4):
        room[1] = min(room[1], room[0] * rng.uniform(0.15, 0.5))
    if upright and case.chance(0.35):
        room[0] = min(room[0], room[1] * rng.uniform(0.12, 0.3))
    size = max(16, int(room[0])), max(14, int(room[1]))
    draw: Draw = boards.pillar if size[1] > 2.5 * size[0] else _BOARDS[int(rng.integers(len(_BOARDS)))]
    if case.chance(0.12) and min(size) > 100:
        draw = list(SHEETS.values())[int(rng.integers(len(SHEETS)))]
    board = draw(size, case)
    turn = rng.normal(0, 0.03) if case.chance(0.7) else rng.normal(0, 0.13)
    quad = _hung(board, np.array([(x0 + x1) / 2, (y0 + y1) / 2]), float(turn), rng)
    if case.chance(0.5):
        _shade(scene, quad, rng)
    scene.lay(board, quad)


def _hung(board: Surface, centre: Points, turn: float, rng: np.random.Generator) -> Points:
    """Where a board hangs around ``centre``."""
    return optics.tilted((board.width, board.height), centre, turn, rng.uniform(0, 0.16), rng)


def _shade(scene: Surface, quad: Points, rng: np.random.Generator) -> None:
    """The shadow that a board throws."""
    cover = np.zeros(scene.pixels.shape[:2], np.uint8)
    drop = rng.uniform(-0.02, 0.06, 2) * scene.height
    cv2.fillConvexPoly(cover, np.rint(quad + drop).astype(np.int32), int(rng.uniform(60, 150)))
    share = cv2.blur(cover, (9, 9))
    scene.pixels = (scene.pixels * (1 - share[..., None] / 255.0)).astype(np.uint8)


def _painted(scene: Surface, case: TypeCase) -> None:
    """Letters on the ground itself, where the boards leave them."""
    rng = case.rng
    calm = cv2.blur(scene.pixels, (31, 31))
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, 0.7) * scene.width, rng.uniform(0.1, 0.95) * scene.height
        ground = calm[int(y), int(x)].astype(float)
        hand = case.print(case.size(12, 90), contrasting(ground, rng), "print", "sign", "hand")
        if case.chance(0.5):
            hand = hand._replace(
                outline=some_colour(rng, 0, 60) if sum(hand.colour) > 380 else some_colour(rng, 200, 250)
            )
        texts = case.texts(hand.face, int(rng.integers(1, 4)))
        area = quad_of(x, y - hand.size, scene.width, y + 0.3 * hand.size)
        if not any(_near(word.quad, area) for word in scene.words):
            scene.write(texts, hand, x, y)


def _near(one: Points, other: Points) -> bool:
    return bool((one.max(axis=0) > other.min(axis=0)).all() and (one.min(axis=0) < other.max(axis=0)).all())
