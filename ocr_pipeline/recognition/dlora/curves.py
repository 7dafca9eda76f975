"""Curves of a training as one PNG, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from ocr_pipeline.storage.files.publishing import publish_file

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT, MARGIN = 640, 240, 48  # pixels of one panel
INK, PAPER, LINE = (40, 40, 40), (255, 255, 255), (31, 90, 180)


def write_curves(path: Path, curves: Mapping[str, Points]) -> None:
    """One panel per curve, under each other; x is the step. A curve without points is left out."""
    drawn = {name: points for name, points in curves.items() if points}
    if not drawn:
        return
    canvas = Image.new("RGB", (WIDTH, HEIGHT * len(drawn)), PAPER)
    draw = ImageDraw.Draw(canvas)
    last = max(step for points in drawn.values() for step, _ in points)
    for place, (name, points) in enumerate(drawn.items()):
        _panel(draw, place * HEIGHT, name, points, last)
    with publish_file(path) as draft:
        canvas.save(draft, format="PNG")


def _panel(draw: ImageDraw.ImageDraw, top: int, name: str, points: Points, last: float) -> None:
    highest = max(value for _, value in points) or 1.0
    floor, ceiling, right = top + HEIGHT - MARGIN, top + MARGIN // 2, WIDTH - MARGIN
    draw.line([(MARGIN, ceiling), (MARGIN, floor), (right, floor)], fill=INK)
    draw.text((MARGIN, top + 4), f"{name}: {points[-1][1]:.4g} at the end", fill=INK)
    draw.text((4, ceiling), f"{highest:.3g}", fill=INK)
    draw.text((4, floor - 8), "0", fill=INK)
    draw.text((right - 30, floor + 6), f"{last:g}", fill=INK)
    line = [
        (MARGIN + step / (last or 1) * (right - MARGIN), floor - max(0.0, value) / highest * (floor - ceiling))
        for step, value in points
    ]
    draw.line(line, fill=LINE, width=2)
    for x, y in line if len(line) < 40 else []:
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=LINE)
