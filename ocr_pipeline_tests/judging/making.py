"""Labelled pages and contestants whose every answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ocr_pipeline.data.layout_lmdb import LayoutRecord, LayoutWord, write_layout_samples
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.judging.contestants import Contestant, Seen
from ocr_pipeline.judging.labelled import LabelledPage, LabelledWord
from ocr_pipeline.page import Quad
from ocr_pipeline.recognition import Reading
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

TEXTS = ("서울", "12,000원", "㈜한국", "Total", "값")
Answer = Callable[[str], tuple[str, float]]
"""What is said of a word, and how surely, by its true text."""


def quad(number: int) -> Quad:
    """Where the word of this number stands on a page."""
    left, top = 20 + 200 * (number % 2), 20 + 60 * (number // 2)
    return (left, top), (left + 160, top), (left + 160, top + 40), (left, top + 40)


def picture(texts: Sequence[str] = TEXTS) -> np.ndarray:
    """Black words on white, each in its quad."""
    drawn, font = Image.new("RGB", (400, 220), "white"), package_faces()[0].sized(30)
    for number, text in enumerate(texts):
        ImageDraw.Draw(drawn).text(quad(number)[0], text, fill="black", font=font)
    return np.asarray(drawn)


def page(image: str = "a.png", texts: Sequence[str] = TEXTS, unread: Sequence[int] = ()) -> LabelledPage:
    words = [LabelledWord(quad(place), "###" if place in unread else text) for place, text in enumerate(texts)]
    return LabelledPage(image, "document", picture(texts), tuple(words))


@dataclass
class Pages:
    """Labelled pages in memory."""

    pages: Sequence[LabelledPage]
    name: str = "made"

    def __len__(self) -> int:
        return len(self.pages)

    def read(self, index: int) -> LabelledPage:
        return self.pages[index]


class Oracle:
    """Knows every true box of some pages, and answers as it is told to; what it is asked is told by its pixels."""

    def __init__(self, pages: Sequence[LabelledPage], answer: Answer = lambda text: (text, 0.9)) -> None:
        self.answer = answer
        self.pages = {_key(page.pixels): page for page in pages}
        self.crops = {
            _key(page.pixels[int(y0) : int(y1), int(x0) : int(x1)]): word.text
            for page in pages
            for word in page.words
            for (x0, y0), _, (x1, y1), _ in [word.quad]
        }

    def look(self, pixels: np.ndarray) -> list[Seen]:
        return [Seen(word.quad, *self.answer(word.text)) for word in self.pages[_key(pixels)].words if word.counts]

    def read(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        return [Reading(*self.answer(self.crops[_key(crop)])) for crop in crops]

    def contestant(self, name: str) -> Contestant:
        return Contestant(name, f"version of {name}", self.look, True, self.read)


def layout_sample(split: str, number: int) -> tuple[bytes, LayoutRecord]:
    """The picture as a page of public_admin, with one word that need not be read."""
    words = [LayoutWord(quad(place), text, id=place) for place, text in enumerate(TEXTS)]
    words.append(LayoutWord(quad(5), "", "ignore", id=5))
    record = LayoutRecord("public_admin", split, f"{number}.png", f"{number}.json", 400, 220, tuple(words))
    return cv2.imencode(".png", picture()[..., ::-1])[1].tobytes(), record


def publish_pages(workspace: Workspace, split: str, pages: int = 1) -> Path:
    """So many of them as the stage would publish them."""
    artifact = workspace.layout_lmdb("public_admin", split)
    how = {"stage": "layout_lmdb", "partition": "", "code_version": "1", "settings": {}, "inputs": []}
    with publication(artifact, **how, has_quarantine=False) as made, made.folder() as draft:  # type: ignore[arg-type]
        write_layout_samples(draft, [layout_sample(split, number) for number in range(pages)], {})
        made.counts, made.fingerprint = Counts(pages, pages, len(TEXTS) * pages, len(TEXTS) * pages), split
    return artifact


def _key(pixels: np.ndarray) -> str:
    return fingerprint_of([pixels.tobytes()])


def save(folder: Path, pixels: np.ndarray, name: str = "a.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
