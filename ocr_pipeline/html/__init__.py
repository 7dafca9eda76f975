"""Reports as one HTML file each: nothing is fetched from elsewhere, and what comes from outside is escaped."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ocr_pipeline.shown import as_glyphs


def templates(folder: Path, **filters: Callable[..., Any]) -> Environment:
    """The templates of a report, with ``style.css``, the look that all have; a misspelt name is an error.

    Args:
        filters: beside those that every report has.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    everywhere = {"base64": _base64, "glyphs": as_glyphs, "number": "{:,}".format}
    environment.filters |= everywhere | filters
    return environment


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
