"""What the cards of all trained models have in common: the head that the Hugging Face hub reads, and the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ocr_pipeline.shown import as_markdown

CARD = "README.md"
"""Name of the card in a folder of its own, and on the hub."""


def card_beside(model: Path) -> Path:
    """Where the card of a model lies that is one file, among others: ``detector.md`` beside ``detector.pth``."""
    return model.with_suffix(".md")


def head(*fields: str) -> Iterator[str]:
    """The lines by which the hub sorts a model: its fields in YAML, and its language."""
    yield from ("---", *fields, "language: ko", "---", "")


def learnt_from(data: Iterable[Mapping[str, Any]], samples: str) -> Iterator[str]:
    """The lines of a chapter with each data set and how many ``samples`` it has (``crops``, ``pages``)."""
    rows = [f"| {as_markdown(entry['name'])} | {entry['samples']:,} |" for entry in data]
    yield from ("", "## Learnt from", "")
    yield from (f"| data | {samples} |", "| --- | --- |", *rows) if rows else ["The checkpoint does not say."]
    yield from ("", "Whoever hands it on sees to the licence of the data, and of the weights that it began with.", "")
