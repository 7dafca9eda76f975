"""A made-up share of A4 scans in the form of the public administration set, for the benchmarks of the data stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

WIDTH, HEIGHT = 1654, 2339
"""A4 at 200 dots per inch."""

_SET = "공공행정문서 OCR/Training"
_LABELS, _PICTURES = f"{_SET}/[라벨]train/01.라벨링데이터(Json)", f"{_SET}/[원천]train1/02.원천데이터(jpg)"
_PER_FOLDER = 250
_SYLLABLES = [chr(0xAC00 + 28 * number) for number in range(0, 399, 7)]

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


class Drawn(NamedTuple):
    """A page.

    Attributes:
        picture: the bytes of its file.
        boxes: of its words.
        size: width and height in pixels.
    """

    picture: bytes
    boxes: list[Box]
    size: tuple[int, int]


def write_share(root: Path, pages: int, words: tuple[int, int] = (60, 100), distinct: int = 48) -> Path:
    """Write ``pages`` scans with their labels; the pictures repeat after ``distinct``, their names do not."""
    chance = np.random.default_rng(7)
    drawn = [draw_page(chance, int(chance.integers(words[0], words[1] + 1))) for _ in range(min(pages, distinct))]
    return write_pages(root, pages, drawn)


def write_pages(root: Path, pages: int, drawn: list[Drawn]) -> Path:
    """Write ``pages`` pages that look like those drawn, in turn."""
    for number in range(pages):
        write_page(root, number, drawn[number % len(drawn)])
    return root


def write_page(root: Path, number: int, page: Drawn, ending: str = "") -> None:
    """Write one page; with an ``ending`` of its name it comes after that of the same number."""
    folder, stem = f"{number // _PER_FOLDER:04d}", f"5350109-2001-0001-{number:06d}{ending}"
    _write(root / _PICTURES / folder / f"{stem}.jpg", page.picture)
    _write(root / _LABELS / folder / f"{stem}.json", _label(stem, page))


def draw_page(chance: np.random.Generator, words: int) -> Drawn:
    """A grey, slightly noisy scan (JPEG, quality 90) and the boxes of its words."""
    paper = np.full((HEIGHT, WIDTH), 240, np.uint8)
    boxes = []
    for number in range(words):
        left, top = 70 + 300 * (number % 5) + int(chance.integers(60)), 60 + 110 * (number // 5)
        width, height = int(chance.integers(70, 200)), int(chance.integers(26, 44))
        text = "".join(chance.choice(list("AEGHKMRS8"), size=width // 22 + 1))
        cv2.putText(paper, text, (left + 2, top + height - 6), cv2.FONT_HERSHEY_SIMPLEX, height / 38, 30, 2)
        boxes.append((left, top, width, height))
    noisy = paper + chance.normal(0, 2, paper.shape)
    colour = cv2.cvtColor(np.clip(noisy, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    picture = cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return Drawn(picture, boxes, (WIDTH, HEIGHT))


def small_page(seed: int) -> Drawn:
    """Grey squares on 320 x 200 pixels with the boxes of eight words, for where the number of pages matters alone."""
    squares = np.random.default_rng(seed).integers(200, 256, (25, 40), dtype=np.uint8)
    grey = squares.repeat(8, axis=0).repeat(8, axis=1)
    boxes = [(10 + 150 * (number % 2), 8 + 46 * (number // 2), 120, 36) for number in range(8)]
    return Drawn(cv2.imencode(".jpg", grey)[1].tobytes(), boxes, (320, 200))


def _label(stem: str, page: Drawn) -> bytes:
    annotations = [
        {
            "id": number,
            "annotation.type": "rectangle",
            "annotation.ttype": "textType1",
            "annotation.text": "".join(_SYLLABLES[(number * 7 + place * 3) % len(_SYLLABLES)] for place in range(4)),
            "annotation.bbox": box,
        }
        for number, box in enumerate(page.boxes)
    ]
    image = {
        "image.make.code": "5350109",
        "image.width": page.size[0],
        "image.height": page.size[1],
        "image.file.name": f"{stem}.jpg",
    }
    return json.dumps({"images": [image], "annotations": annotations}, ensure_ascii=False, indent=2).encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
