"""Tesseract 5 with Debian's kor+eng, in its best setting.

A page is read with psm 3, or what ``tesseract=6`` names. Crops stand straight and are at least 48 pixels high, with 12
pixels of margin in the colour of their rim; a word is read as one line (psm 7) and, where that says nothing, as one
word (psm 8). All crops go in one call: starting it costs most.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants.contestant import Contestant, Opening, Seen
from ocr_pipeline.page import nfc
from ocr_pipeline.recognition import Reading

PAGE_LAYOUT = "3"
LANGUAGES = "kor+eng"
DPI = 150  # told, for it guesses where a picture does not say
_HEIGHT, _MARGIN = 48, 12
_LINE, _WORD = "7", "8"
_IS_WORD = "5"
_PAGE = "\f"  # what parts the texts of a call


def open_tesseract(opening: Opening) -> Contestant:
    """``tesseract``, or ``tesseract=PSM`` for another layout of pages, which is judged by pages alone."""
    layout = opening.place or PAGE_LAYOUT
    read = None if opening.place else read_crops
    return Contestant(f"Tesseract psm {layout}", _version(), partial(_look, layout), True, read)


def read_crops(crops: Sequence[np.ndarray]) -> list[Reading]:
    """The texts of crops; each is as sure as its least sure word."""
    prepared = [_prepared(crop) for crop in crops]
    readings = _read(prepared, _LINE)
    silent = [place for place, reading in enumerate(readings) if not reading.text]
    for place, reading in zip(silent, _read([prepared[place] for place in silent], _WORD), strict=True):
        readings[place] = reading
    return readings


class _Piece(NamedTuple):
    """What Tesseract boxes: of Korean often single syllables, though its text has them as one word."""

    box: tuple[int, int, int, int]
    text: str
    confidence: float


def _version() -> str:
    if not shutil.which("tesseract"):
        raise PipelineError(
            "tesseract is not installed", where="tesseract", remedy="apt-get install tesseract-ocr tesseract-ocr-kor"
        )
    told = subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True).stdout
    return f"{told.splitlines()[0]}, {LANGUAGES}"


def _look(layout: str, pixels: np.ndarray) -> list[Seen]:
    ((text, pieces),) = _told([pixels], layout)
    return [_seen(word) for word in _words(text.split(), pieces)]


def _read(crops: Sequence[np.ndarray], layout: str) -> list[Reading]:
    told = _told(crops, layout) if crops else ()
    return [
        Reading(" ".join(text.split()), min((piece.confidence for piece in own), default=0.0)) for text, own in told
    ]


def _words(texts: Sequence[str], pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces of each word of a text; each piece alone where the two do not say the same."""
    if "".join(texts) != "".join(piece.text for piece in pieces):
        yield from ([piece] for piece in pieces)
        return
    left = iter(pieces)
    for text in texts:
        word: list[_Piece] = []
        while sum(len(piece.text) for piece in word) < len(text):
            word.append(next(left))
        yield word


def _seen(word: Sequence[_Piece]) -> Seen:
    x0, y0, x1, y1 = zip(*(piece.box for piece in word), strict=True)
    left, top, right, bottom = min(x0), min(y0), max(x1), max(y1)
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    return Seen(corners, "".join(piece.text for piece in word), min(piece.confidence for piece in word))


def _told(pictures: Sequence[np.ndarray], layout: str) -> list[tuple[str, list[_Piece]]]:
    """The text of each picture, and its pieces in their order; all are pages of one call."""
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{number}.png" for number in range(len(pictures))]
        for name, pixels in zip(names, pictures, strict=True):
            cv2.imwrite(str(name), pixels[..., ::-1])
        listed, output = Path(folder) / "list.txt", Path(folder) / "told"
        listed.write_text("\n".join(map(str, names)) + "\n")
        _call([str(listed), str(output), "--psm", layout])
        text, table = (output.with_suffix(ending).read_text(encoding="utf-8") for ending in (".txt", ".tsv"))
    texts, pieces = nfc(text).split(_PAGE), _pieces(table)
    return [(texts[number], pieces.get(number + 1, [])) for number in range(len(pictures))]


def _call(arguments: Sequence[str]) -> None:
    how = ["-l", LANGUAGES, "--dpi", str(DPI), "-c", f"page_separator={_PAGE}", "txt", "tsv"]
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(["tesseract", *arguments, *how], capture_output=True, text=True, env=one_thread)
    if done.returncode:
        raise PipelineError(
            f"tesseract failed ({done.stderr.strip()[-200:]})",
            where=" ".join(how),
            remedy="Install its languages: apt-get install tesseract-ocr-kor tesseract-ocr-eng",
        )


def _pieces(table: str) -> dict[int, list[_Piece]]:
    """Those of each page, by its number from 1."""
    found: dict[int, list[_Piece]] = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == _IS_WORD and row["text"].strip():
            found.setdefault(int(row["page_num"]), []).append(_piece(row))
    return found


def _piece(row: dict[str, str]) -> _Piece:
    x, y, width, height = (int(row[side]) for side in ("left", "top", "width", "height"))
    return _Piece((x, y, x + width, y + height), nfc("".join(row["text"].split())), float(row["conf"]) / 100)


def _prepared(crop: np.ndarray) -> np.ndarray:
    if crop.shape[0] < _HEIGHT:
        grown = max(1, round(crop.shape[1] * _HEIGHT / crop.shape[0]))
        crop = cv2.resize(crop, (grown, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    rim = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    colour = [float(value) for value in np.median(rim, axis=0)]
    return cv2.copyMakeBorder(crop, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=colour)
