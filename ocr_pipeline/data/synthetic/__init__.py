"""Korean drawn to order: collections in the form of the AI-Hub sets, pages for a detector, words in any face."""

from __future__ import annotations

from ocr_pipeline.data.synthetic.collection import DEFAULT_PAGE_SIZE, Collection, write_collection
from ocr_pipeline.data.synthetic.faces import Face, judging_faces, korean_faces, training_faces
from ocr_pipeline.data.synthetic.faults import PlantedFault
from ocr_pipeline.data.synthetic.pages import SMALLEST_SIDE, DrawnPage, DrawnWord, draw_page
from ocr_pipeline.data.synthetic.settings import SyntheticSettings
from ocr_pipeline.data.synthetic.share import DRAWN_PARTITIONS
from ocr_pipeline.data.synthetic.source import draw_source, source_of
from ocr_pipeline.data.synthetic.words import KoreanWords
from ocr_pipeline.data.synthetic.writing import draw_word, font_path, render_word

__all__ = [
    "DEFAULT_PAGE_SIZE",
    "DRAWN_PARTITIONS",
    "SMALLEST_SIDE",
    "Collection",
    "DrawnPage",
    "DrawnWord",
    "Face",
    "KoreanWords",
    "PlantedFault",
    "SyntheticSettings",
    "draw_page",
    "draw_source",
    "draw_word",
    "font_path",
    "judging_faces",
    "korean_faces",
    "render_word",
    "source_of",
    "training_faces",
    "write_collection",
]
