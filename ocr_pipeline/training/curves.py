"""Curves of a training as a picture, drawn with OpenCV."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.storage.files.publishing import publish_file

Picture = npt.NDArray[np.uint8]  # (height, width, 3), RGB
Points = Sequence[tuple[float, float]]

_WIDE, _HIGH = 640, 240  # pixels of one panel
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 36, _WIDE - 12, _HIGH - 30  # of its frame
_COLOURS = ((40, 90, 200), (220, 120, 30), (60, 150, 60), (170, 60, 160))
_INK, _FRAME, _FONT = (60, 60, 60), (200, 200, 200), cv2.FONT_HERSHEY_SIMPLEX
_FEW = 20  # points of a curve, up to which each is marked


def draw_curves(rows: Sequence[Mapping[str, Any]], panels: Sequence[Sequence[str]]) -> Picture:
    """Columns of a history over its steps, 640 pixels wide.

    Args:
        rows: numbers by name, with ``step``; not all rows have all of them, some row has one.
        panels: names of up to four columns that share a scale, which begins at 0; panels lie under each other, and one
            without numbers is left out.
    """
    curves = [{name: points for name in names if (points := _points(rows, name))} for names in panels]
    last = max(row["step"] for row in rows) or 1
    return np.vstack([_panel(lines, last) for lines in curves if lines])


def write_picture(path: Path, picture: Picture) -> None:
    """Publish an RGB picture as PNG."""
    with publish_file(path) as draft:
        draft.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())


def _points(rows: Sequence[Mapping[str, Any]], name: str) -> Points:
    return [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]


def _panel(lines: Mapping[str, Points], last: float) -> Picture:
    canvas = np.full((_HIGH, _WIDE, 3), 255, np.uint8)
    highest = max(value for line in lines.values() for _, value in line)
    highest = highest if highest > 0 else 1.0
    cv2.rectangle(canvas, (_LEFT, _TOP), (_RIGHT, _BOTTOM), _FRAME)
    for text, right, base in ((f"{highest:.3g}", _LEFT - 6, _TOP + 8), ("0", _LEFT - 6, _BOTTOM)):
        _write_left_of(canvas, text, right, base)
    _write_left_of(canvas, f"step {last:g}", _RIGHT, _BOTTOM + 20)
    for place, (name, line) in enumerate(lines.items()):
        at = [
            (_LEFT + round((_RIGHT - _LEFT) * step / last), _BOTTOM - round((_BOTTOM - _TOP) * max(value, 0) / highest))
            for step, value in line
        ]
        _draw_line(canvas, at, _COLOURS[place])
        label = f"{name} {line[-1][1]:.4g}"
        cv2.putText(canvas, label, (_LEFT + place * 144, 24), _FONT, 0.4, _COLOURS[place], 1, cv2.LINE_AA)
    return canvas


def _draw_line(canvas: Picture, at: Sequence[tuple[int, int]], colour: tuple[int, int, int]) -> None:
    cv2.polylines(canvas, [np.array(at, np.int32).reshape(-1, 1, 2)], False, colour, 1, cv2.LINE_AA)
    for point in at if len(at) <= _FEW else ():
        cv2.circle(canvas, point, 3, colour, -1, cv2.LINE_AA)


def _write_left_of(canvas: Picture, text: str, right: int, base: int) -> None:
    """Text that ends at ``right``, on the line ``base``."""
    (wide, _), _ = cv2.getTextSize(text, _FONT, 0.4, 1)
    cv2.putText(canvas, text, (right - wide, base), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
