"""Pages and a layout model to ``<dataset>_<split>_layout.lmdb``: the detection data that FAST trains from."""

from ocr_pipeline.layout_lmdb.detections import Detections
from ocr_pipeline.layout_lmdb.drawing import draw_record
from ocr_pipeline.layout_lmdb.engine import LayoutEngine, NoLayout
from ocr_pipeline.layout_lmdb.engines import open_cell_engine, open_engine
from ocr_pipeline.layout_lmdb.paddle_engine import make_paddle_environment, paddle_environment
from ocr_pipeline.layout_lmdb.partition import build_layouts
from ocr_pipeline.layout_lmdb.reader import LayoutReader
from ocr_pipeline.layout_lmdb.record import Cell, LayoutRecord, LayoutWord, Region
from ocr_pipeline.layout_lmdb.settings import NO_MODEL, LayoutSettings
from ocr_pipeline.layout_lmdb.stage import CODE_VERSION, build_layout_lmdb
from ocr_pipeline.layout_lmdb.writer import write_layout_samples

__all__ = [
    "CODE_VERSION",
    "NO_MODEL",
    "Cell",
    "Detections",
    "LayoutEngine",
    "LayoutReader",
    "LayoutRecord",
    "LayoutSettings",
    "LayoutWord",
    "NoLayout",
    "Region",
    "build_layout_lmdb",
    "build_layouts",
    "draw_record",
    "make_paddle_environment",
    "open_cell_engine",
    "open_engine",
    "paddle_environment",
    "write_layout_samples",
]
