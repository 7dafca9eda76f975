"""What a person looks at of a training: curves, a batch with its targets, pages with what was found on them.

Drawn with numpy and OpenCV only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.fast.maps.pictures import Picture
from ocr_pipeline.storage.files.publishing import publish_file

CURVES, BATCH, VALIDATION = "curves.png", "training_batch.png", "validation.png"
FOUND, WORD, IGNORED = (0, 170, 0), (40, 90, 230), (150, 150, 150)

_PANELS = (("loss", "text", "kernel", "embedding"), ("hmean", "precision", "recall"), ("learning_rate",))
_COLOURS = ((40, 90, 200), (220, 120, 30), (60, 150, 60), (170, 60, 160))
_WIDE, _HIGH, _EDGE = 420, 300, 64
_FEW = 20  # points of a curve, up to which each is marked
_FONT, _INK = cv2.FONT_HERSHEY_SIMPLEX, (60, 60, 60)


def write_picture(path: Path, picture: Picture) -> None:
    """Publish an RGB picture as PNG."""
    with publish_file(path) as draft:
        draft.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())


def draw_curves(history: Sequence[Mapping[str, Any]]) -> Picture:
    """Losses, scores and learning rate over the steps, side by side."""
    return np.hstack([_panel(history, names) for names in _PANELS])


def draw_batch(
    pictures: npt.NDArray, text: npt.NDArray, kernel: npt.NDArray, mask: npt.NDArray, most: int = 4
) -> Picture:
    """Crops (N, 3, S, S) above their targets (N, S, S): words blue, kernels white, masked pixels red."""
    columns = []
    for number in range(min(len(pictures), most)):
        picture = np.ascontiguousarray(pictures[number].transpose(1, 2, 0))
        target = np.zeros_like(picture)
        target[text[number] > 0] = WORD
        target[kernel[number] > 0] = (255, 255, 255)
        target[mask[number] == 0] = (160, 30, 30)
        columns.append(np.vstack([picture, target]))
    return np.hstack(columns)


def draw_findings(
    picture: Picture, found: Sequence[npt.NDArray], words: Sequence[npt.NDArray], ignored: Sequence[npt.NDArray]
) -> Picture:
    """A page with its words (blue), what need not be found (grey) and what was found (green)."""
    canvas = picture.copy()
    for polygons, colour, thickness in ((ignored, IGNORED, 1), (words, WORD, 2), (found, FOUND, 1)):
        outlines = [np.rint(polygon).astype(np.int32) for polygon in polygons]
        cv2.polylines(canvas, outlines, True, colour, thickness, cv2.LINE_AA)
    return canvas


def beside(pictures: Sequence[Picture], height: int = 640) -> Picture:
    """Pictures in a row, all of one height."""
    widths = [max(1, round(picture.shape[1] * height / picture.shape[0])) for picture in pictures]
    return np.hstack(
        [
            cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            for picture, width in zip(pictures, widths, strict=True)
        ]
    )


def _panel(history: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Picture:
    canvas = np.full((_HIGH, _WIDE, 3), 255, np.uint8)
    points = {
        name: [(row["step"], row[name]) for row in history if np.isfinite(row.get(name, np.nan))] for name in names
    }
    values = [value for line in points.values() for _, value in line]
    top, last = max(values, default=0) or 1.0, max((row["step"] for row in history), default=0) or 1
    left, bottom, wide, high = _EDGE, _HIGH - 30, _WIDE - _EDGE - 12, _HIGH - 30 - 40
    cv2.rectangle(canvas, (left, bottom - high), (left + wide, bottom), (200, 200, 200))
    _write_left_of(canvas, f"{top:.3g}", (left - 6, bottom - high + 8))
    _write_left_of(canvas, "0", (left - 6, bottom))
    _write_left_of(canvas, f"step {last}", (left + wide, bottom + 20))
    for place, (name, line) in enumerate(points.items()):
        at = [(left + round(wide * step / last), bottom - round(high * max(value, 0) / top)) for step, value in line]
        cv2.polylines(canvas, [np.array(at, np.int32).reshape(-1, 1, 2)], False, _COLOURS[place], 1, cv2.LINE_AA)
        if len(at) <= _FEW:
            for point in at:
                cv2.circle(canvas, point, 3, _COLOURS[place], -1, cv2.LINE_AA)
        cv2.putText(canvas, name, (left + place * 95, 24), _FONT, 0.45, _COLOURS[place], 1, cv2.LINE_AA)
    return canvas


def _write_left_of(canvas: Picture, text: str, right: tuple[int, int]) -> None:
    """Text that ends at ``right``, on that base line."""
    (wide, _), _ = cv2.getTextSize(text, _FONT, 0.4, 1)
    cv2.putText(canvas, text, (right[0] - wide, right[1]), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
