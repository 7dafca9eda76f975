"""Pages and a layout model to ``<dataset>_<split>_layout.lmdb``: the detection data that FAST trains from."""

from ocr_pipeline.data.layout_lmdb.build import CODE_VERSION, LayoutBuild
from ocr_pipeline.data.layout_lmdb.drawn import DrawnLayouts, Split, draw_layouts
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine, NoLayout
from ocr_pipeline.data.layout_lmdb.engines.opening import Engines, open_cell_engine, open_engine
from ocr_pipeline.data.layout_lmdb.engines.paddle_engine import make_paddle_environment, paddle_environment
from ocr_pipeline.data.layout_lmdb.engines.weights import model_name, repository_of
from ocr_pipeline.data.layout_lmdb.format.drawing import draw_record
from ocr_pipeline.data.layout_lmdb.format.reader import LayoutReader
from ocr_pipeline.data.layout_lmdb.format.record import Cell, LayoutRecord, LayoutWord, Region
from ocr_pipeline.data.layout_lmdb.format.writer import write_layout_samples
from ocr_pipeline.data.layout_lmdb.page_regions import PageLayout, PageRegion, regions_of_words
from ocr_pipeline.data.layout_lmdb.part import PageWork
from ocr_pipeline.data.layout_lmdb.settings import NO_MODEL, LayoutSettings
from ocr_pipeline.data.layout_lmdb.stage import build_layouts, fill_parts

__all__ = [
    "CODE_VERSION",
    "NO_MODEL",
    "Cell",
    "Detections",
    "DrawnLayouts",
    "Engines",
    "LayoutBuild",
    "LayoutEngine",
    "LayoutReader",
    "LayoutRecord",
    "LayoutSettings",
    "LayoutWord",
    "NoLayout",
    "PageLayout",
    "PageRegion",
    "PageWork",
    "Region",
    "Split",
    "build_layouts",
    "draw_layouts",
    "draw_record",
    "fill_parts",
    "make_paddle_environment",
    "model_name",
    "open_cell_engine",
    "open_engine",
    "paddle_environment",
    "regions_of_words",
    "repository_of",
    "write_layout_samples",
]
