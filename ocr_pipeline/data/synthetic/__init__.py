"""Small Korean collections in the disk layout and label form of the five AI-Hub sets, for demo and tests."""

from __future__ import annotations

from ocr_pipeline.data.synthetic.collection import DEFAULT_PAGE_SIZE, Collection, write_collection
from ocr_pipeline.data.synthetic.faults import PlantedFault
from ocr_pipeline.data.synthetic.share import DRAWN_PARTITIONS
from ocr_pipeline.data.synthetic.words import KoreanWords
from ocr_pipeline.data.synthetic.writing import draw_word, font_path, render_word

__all__ = [
    "DEFAULT_PAGE_SIZE",
    "DRAWN_PARTITIONS",
    "Collection",
    "KoreanWords",
    "PlantedFault",
    "draw_word",
    "font_path",
    "render_word",
    "write_collection",
]
