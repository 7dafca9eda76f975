"""Tesseract 5 with Debian's kor+eng as a recognizer, in its best setting.

Crops stand straight and are at least 48 pixels high, with 12 pixels of margin in the colour of their rim; a word is
read as one line (psm 7) and, where that says nothing, as one word (psm 8). All crops go in one call: starting it costs
most.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ocr_pipeline.recognition.interface import Reading

HEIGHT, MARGIN = 48, 12
PAGE = "\f"  # what parts the texts of a call


class Tesseract:
    """Reads crops by the program ``tesseract``; of confidence it is not asked."""

    fingerprint = "tesseract kor+eng"

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        lines = _read(crops, 7)
        silent = [number for number, text in enumerate(lines) if not text]
        for number, text in zip(silent, _read([crops[number] for number in silent], 8), strict=True):
            lines[number] = text
        return [Reading(text, 1.0) for text in lines]


def version() -> str:
    return subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]


def _read(crops: Sequence[np.ndarray], layout: int) -> list[str]:
    if not crops:
        return []
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{number}.png" for number in range(len(crops))]
        for name, crop in zip(names, crops, strict=True):
            cv2.imwrite(str(name), _prepared(crop)[..., ::-1])
        listed = Path(folder) / "list.txt"
        listed.write_text("\n".join(map(str, names)) + "\n")
        command = ["tesseract", str(listed), "-", "-l", "kor+eng", "--psm", str(layout), "-c", "page_separator=" + PAGE]
        one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        said = subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread).stdout
    texts = [" ".join(text.split()) for text in said.split(PAGE)]
    return texts[: len(crops)]


def _prepared(crop: np.ndarray) -> np.ndarray:
    if crop.shape[0] < HEIGHT:
        grown = max(1, round(crop.shape[1] * HEIGHT / crop.shape[0]))
        crop = cv2.resize(crop, (grown, HEIGHT), interpolation=cv2.INTER_CUBIC)
    rim = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    colour = [float(value) for value in np.median(rim, axis=0)]
    return cv2.copyMakeBorder(crop, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT, value=colour)
