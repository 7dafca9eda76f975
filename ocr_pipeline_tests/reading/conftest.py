"""Drawn sheets, a reader of the shipped weights, and a fast one whose detector sees boxes of ink."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.fast.maps.postprocess import Detection
from ocr_pipeline.reading import Reader
from ocr_pipeline.recognition import Reading

LINES = ("신청서 접수 안내", "서울 종로구 세종대로", "전화 번호 문의")


def sheet(lines: Sequence[str] = LINES, size: tuple[int, int] = (640, 400)) -> Image.Image:
    """Black on white, words well apart."""
    picture = Image.new("RGB", size, "white")
    font = package_faces()[0].sized(32)
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((40, 40 + 100 * number), line.replace(" ", "  "), fill="black", font=font)
    return picture


class InkDetector:
    """Finds what is dark, letters that almost touch as one word."""

    fingerprint = "ink"

    def detect(self, picture: np.ndarray) -> list[Detection]:
        ink = cv2.dilate((picture.min(axis=2) < 128).astype(np.uint8), np.ones((9, 9), np.uint8))
        contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [Detection(cv2.boxPoints(cv2.minAreaRect(contour)).astype(np.int32), 0.9) for contour in contours]


class SizeRecognizer:
    """Reads of a crop how wide and high it is, and never minds its company."""

    fingerprint = "size"

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        """How wide for their height the crops of each batch were."""

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        self.batches.append([crop.shape[1] / crop.shape[0] for crop in crops])
        return [Reading(f"{crop.shape[1]}x{crop.shape[0]}", float(crop.mean() / 256)) for crop in crops]


@pytest.fixture(scope="session")
def shipped() -> Reader:
    return Reader(device="cpu")


@pytest.fixture
def reader() -> Reader:
    return Reader(InkDetector(), SizeRecognizer(), batch_size=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures of different text."""
    place = tmp_path / "in"
    place.mkdir()
    for number, line in enumerate(LINES):
        sheet((line,), (640, 160)).save(place / f"{number}.png")
    return place
