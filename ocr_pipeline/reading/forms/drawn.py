"""The picture with the outline of each word, and the way that reading takes from word to word."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocr_pipeline.fast.prediction import draw_polygons
from ocr_pipeline.reading.forms.form import Form, Place
from ocr_pipeline.reading.input import Document, Sheet
from ocr_pipeline.reading.record import ReadDocument, ReadPage
from ocr_pipeline.storage.files.publishing import publish_file

_GREEN, _RED = (0, 200, 0), (220, 40, 40)


def draw_reading(pixels: np.ndarray, page: ReadPage) -> np.ndarray:
    """A page's pixels [height, width, 3] RGB with words outlined in green and lines of words in red."""
    canvas = draw_polygons(pixels, [np.array(word.quad) for word in page.words], _GREEN)
    thickness = max(1, round(max(canvas.shape[:2]) / 800))
    for line in page.lines:
        way = np.rint([np.mean(word.quad, axis=0) for word in line.words]).astype(np.int32)
        cv2.polylines(canvas, [way], False, _RED, thickness, cv2.LINE_AA)
    return canvas


def publish_png(place: Place, pixels: np.ndarray, folder: str, number: int, pages: int) -> None:
    """A picture of one page in the folder of its form."""
    with publish_file(place.page(folder, number, pages, ".png")) as draft:
        draft.write_bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes())


@dataclass(frozen=True)
class _Drawing:
    place: Place
    document: Document

    def add(self, sheet: Sheet, page: ReadPage) -> None:
        publish_png(self.place, draw_reading(sheet.pixels, page), "drawn", sheet.number, self.document.pages)

    def publish(self, document: ReadDocument) -> None:
        """Each page was published when it was read."""


DRAWN = Form(_Drawing)
