"""Pictures of the street, the shelf and the bookshop: words on coloured, textured things, seen by a camera.

Every function draws one picture of ``size`` (width, height) pixels. Besides its words each may hold a line too small or
blurred to read: a lettering without text.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ocr_pipeline.data.synthetic import vocabulary
from ocr_pipeline.data.synthetic.drawing import Box, Colour, Drawing, Lettering, Pen, Picture
from ocr_pipeline.data.synthetic.writing import camera, contrasting, scene_surface

Size = tuple[int, int]

WHITE: Colour = (245, 247, 245)
ROAD_GREEN, ROAD_BLUE = (16, 98, 62), (20, 66, 150)


def traffic_sign(size: Size, rng: np.random.Generator) -> Picture:
    """A road sign with places, distances and arrows before the sky."""
    scene = _outdoors(size, rng)
    board = _inset(scene, 0.1, 0.1, 0.9, float(rng.uniform(0.62, 0.74)))
    x0, y0, x1, y1 = board
    for post in (0.3, 0.7):
        x = round(scene.width * post)
        scene.fill((x, y1, x + scene.length(12), scene.height), (118, 122, 124))
    colour = ROAD_GREEN if rng.random() < 0.6 else ROAD_BLUE
    _board(scene, board, colour)
    edge = scene.length(6)
    scene.frame((x0 + edge, y0 + edge, x1 - edge, y1 - edge), WHITE, scene.length(3))
    rows = int(rng.integers(2, 4))
    for row in range(rows):
        top, bottom = (y0 + edge * 3 + (y1 - y0 - edge * 6) * n // rows for n in (row, row + 1))
        arrow_end = x0 + scene.length(64)
        _arrow(scene, (x0 + edge * 3, (top + bottom) // 2), arrow_end, int(rng.integers(3)))
        place = arrow_end + edge * 3, top, x1 - edge * 18, bottom
        end = scene.write(scene.vocabulary.place(), _paint(40, WHITE), place)[2]
        scene.write(f"{int(rng.integers(1, 60))}km", _paint(28, WHITE), (end + edge * 3, top, x1 - edge * 3, bottom))
    return _photo(scene, (x0, y1 + scene.length(14), x1, y1 + scene.length(40)))


def signboard(size: Size, rng: np.random.Generator) -> Picture:
    """A row of shops: signboards with the trade, a telephone number and what is on offer."""
    scene = _wall(size, rng)
    shops, y = int(rng.integers(1, 3)), round(scene.height * 0.08)
    edges = np.linspace(0.03, 0.97, shops + 1) * scene.width
    for left, right in pairwise(edges):
        board = int(left) + scene.length(5), y, int(right) - scene.length(5), y + round(scene.height * 0.34)
        colour, paint = _two_colours(rng)
        _board(scene, board, colour)
        _trade(scene, board, paint)
        _shop_window(scene, (board[0], board[3] + scene.length(18), board[2], scene.height - scene.length(14)))
    return _photo(scene, None)


def goods(size: Size, rng: np.random.Generator) -> Picture:
    """A product on a shelf: its name, what it promises, its contents."""
    scene = _wall(size, rng, bricks=False)
    package = x0, y0, x1, y1 = _inset(scene, 0.14, 0.06, 0.86, 0.9)
    colour, paint = _two_colours(rng)
    _board(scene, package, colour)
    stripe, band = _two_colours(rng)
    middle = y0 + round((y1 - y0) * 0.52)
    scene.fill((x0, middle, x1, middle + scene.length(64)), stripe)
    pad = scene.length(16)
    name = scene.vocabulary.from_list(vocabulary.GOODS)
    scene.write(name, _paint(64, paint), (x0 + pad, y0 + scene.length(70), x1 - pad, middle - pad), "centre")
    words = [scene.vocabulary.goods() for _ in range(8)]
    scene.write_line(words[:3], _paint(26, paint), (x0 + pad, y0 + pad, x1 - pad, y0 + scene.length(56)))
    scene.write_line(words[3:6], _paint(32, band), (x0 + pad, middle + 4, x1 - pad, middle + scene.length(60)))
    foot = middle + scene.length(74)
    scene.write_line(words[6:], _paint(24, paint), (x0 + pad, foot, x1 - pad, foot + scene.length(34)))
    return _photo(scene, (x0 + pad, y1 - scene.length(28), x1 - pad, y1 - scene.length(10)))


def book(size: Size, rng: np.random.Generator) -> Picture:
    """Two books on a table: title, author and publisher on each."""
    scene = _wall(size, rng, bricks=False)
    for left, right in ((0.05, 0.47), (0.53, 0.95)):
        cover = x0, y0, x1, y1 = _inset(scene, left, float(rng.uniform(0.04, 0.1)), right, 0.94)
        colour, paint = _two_colours(rng)
        _board(scene, cover, colour)
        spine = scene.pixels[y0:y1, x0 : x0 + scene.length(10)]
        spine[:] = spine // 4 * 3
        step, pad = (y1 - y0) // 7, scene.length(18)
        for line in range(1, int(rng.integers(2, 5))):
            title = scene.vocabulary.from_list(vocabulary.BOOKS)
            scene.write(title, _paint(46, paint), (x0 + pad, y0 + step * line, x1 - pad, y0 + step * (line + 1)))
        author = scene.vocabulary.name(), scene.vocabulary.from_list(("지음", "옮김", "엮음"))
        scene.write_line(author, _paint(24, paint, "serif"), (x0 + pad, y0 + step * 5, x1 - pad, y0 + step * 6), gap=8)
        place = x0 + pad, y1 - step, x1 - pad, y1 - step // 4
        scene.write(scene.vocabulary.from_list(vocabulary.PLACES)[:2] + "출판사", _paint(20, paint), place, "centre")
    return _photo(scene, None)


# -- parts ------------------------------------------------------------------------------------------------------------


def _paint(size: float, colour: Colour, font: str = "sans") -> Pen:
    return Pen(font, size, "scene", colour)


def _outdoors(size: Size, rng: np.random.Generator) -> Drawing:
    """Sky above, trees below."""
    sky, trees = np.array([rng.uniform(150, 200), 205, 235]), np.array([70, rng.uniform(90, 120), 60])
    share = np.clip((np.linspace(0, 1, size[1]) - 0.7) * 12, 0, 1)[:, None, None]
    clouds = cv2.resize(rng.uniform(-18, 18, size=(4, 6)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    pixels = sky * (1 - share) + trees * share + clouds[..., None] * (1 + share)
    return Drawing(np.clip(pixels, 0, 255).astype(np.uint8), rng)


def _wall(size: Size, rng: np.random.Generator, bricks: bool = True) -> Drawing:
    """A wall of bricks or a plain, unevenly lit surface."""
    surface, _ = scene_surface((size[1], size[0]), rng)
    scene = Drawing(surface // 2 + 70, rng)
    if bricks:
        high, wide, mortar = scene.length(22), scene.length(58), (150, 148, 144)
        for row, y in enumerate(range(0, scene.height, high)):
            scene.rule((0, y), (scene.width, y), mortar)
            for x in range(wide // 2 * (row % 2), scene.width, wide):
                scene.rule((x, y), (x, y + high), mortar)
    return scene


def _two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """A ground, and a paint that stands out against it."""
    lightness = rng.uniform(25, 90) if rng.random() < 0.5 else rng.uniform(165, 230)
    ground = np.clip(lightness + rng.normal(0, 40, size=3), 0, 255)
    return (int(ground[0]), int(ground[1]), int(ground[2])), contrasting(ground, rng)


def _inset(scene: Drawing, left: float, top: float, right: float, bottom: float) -> Box:
    return (
        round(scene.width * left),
        round(scene.height * top),
        round(scene.width * right),
        round(scene.height * bottom),
    )


def _board(scene: Drawing, place: Box, colour: Colour) -> None:
    """A flat thing of one colour with its shadow, lit from above, with fine grain."""
    x0, y0, x1, y1 = place
    drop = scene.length(7)
    shade = scene.pixels[y0 + drop : y1 + drop, x0 + drop : x1 + drop]
    shade[:] = shade // 5 * 3
    light = np.linspace(12, -14, y1 - y0)[:, None] + scene.rng.integers(-4, 5, size=(y1 - y0, x1 - x0), dtype=np.int8)
    scene.pixels[y0:y1, x0:x1] = np.clip(np.asarray(colour) + light[..., None], 0, 255)


def _arrow(scene: Drawing, start: tuple[int, int], end: int, direction: int) -> None:
    """A white arrow to the left, straight on, or to the right."""
    (x, y), width = start, scene.length(6)
    middle, reach = (x + end) // 2, (end - x) // 2
    tail, tip = (((end, y), (x, y)), ((middle, y + reach), (middle, y - reach)), ((x, y), (end, y)))[direction]
    cv2.arrowedLine(scene.pixels, tail, tip, WHITE, width, cv2.LINE_AA, tipLength=0.4)


def _trade(scene: Drawing, board: Box, paint: Colour) -> None:
    """What stands on a signboard: the trade in large letters, a line of small ones below."""
    x0, y0, x1, y1 = board
    pad, split = scene.length(12), y0 + round((y1 - y0) * 0.66)
    name = scene.vocabulary.from_list(vocabulary.SIGNS)
    scene.write(name, _paint(66, paint), (x0 + pad, y0 + pad // 2, x1 - pad, split), "centre")
    small = [scene.vocabulary.phone() if scene.rng.random() < 0.4 else scene.vocabulary.sign() for _ in range(3)]
    scene.write_line(small, _paint(25, paint), (x0 + pad, split, x1 - pad, y1 - pad // 2))


def _shop_window(scene: Drawing, place: Box) -> None:
    """Panes of glass, two of them with a word on a strip of paper."""
    x0, y0, x1, y1 = place
    panes = 2 if x1 - x0 < scene.width // 2 else 4
    for pane in range(panes):
        left, right = (x0 + (x1 - x0) * n // panes for n in (pane, pane + 1))
        glass = left + scene.length(4), y0, right - scene.length(4), y1
        scene.fill(glass, (72 + 6 * pane, 88, 98))
        scene.frame(glass, (200, 200, 196), scene.length(3))
        if pane % 2 == 0:
            top = y0 + (y1 - y0) // 3
            strip = glass[0] + scene.length(10), top, glass[2] - scene.length(10), top + scene.length(44)
            colour, paint = _two_colours(scene.rng)
            scene.fill(strip, colour)
            scene.write(scene.vocabulary.from_list(vocabulary.SIGNS), _paint(26, paint), strip, "centre")


def _photo(scene: Drawing, unreadable: Box | None) -> Picture:
    """Add a line too blurred to read, where there is a place for one, and take the picture."""
    if unreadable is not None:
        x0, y0, x1, y1 = unreadable
        pen = Pen("sans", 11, "scene", (90, 90, 90), labelled=False)
        texts = [scene.vocabulary.sign() for _ in range(3)]
        box = scene.write("".join(texts), pen, unreadable)
        region = scene.pixels[y0:y1, x0:x1]
        region[:] = cv2.GaussianBlur(region, (0, 0), 1.8)
        scene.words.append(Lettering(None, box, ()))
    return Picture(camera(scene.pixels, scene.rng), tuple(scene.words))
