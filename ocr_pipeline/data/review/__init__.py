"""The mirror of the labels: suspects -> a person -> corrections."""

from ocr_pipeline.data.review.exchange.exported import Exported
from ocr_pipeline.data.review.exchange.forms import FORMS, export_suspects, read_review
from ocr_pipeline.data.review.history import LogLine, review_log, undo_review
from ocr_pipeline.data.review.importing import Imported, import_review
from ocr_pipeline.data.review.looking import Readers
from ocr_pipeline.data.review.page import write_page
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.data.review.settings import SuspectSettings
from ocr_pipeline.data.review.sitting import Sitting, is_sitting, read_sitting, write_sitting
from ocr_pipeline.data.review.stage import CODE_VERSION, find_label_suspects
from ocr_pipeline.data.review.suspects.suspect import KINDS, Reading, Suspect
from ocr_pipeline.data.review.table import read_suspects, reader_names
from ocr_pipeline.data.review.yields import Yield, yield_by_kind

__all__ = [
    "CODE_VERSION",
    "FORMS",
    "KINDS",
    "Exported",
    "Imported",
    "LogLine",
    "Pictures",
    "Readers",
    "Reading",
    "Sitting",
    "Suspect",
    "SuspectSettings",
    "Yield",
    "export_suspects",
    "find_label_suspects",
    "import_review",
    "is_sitting",
    "read_review",
    "read_sitting",
    "read_suspects",
    "reader_names",
    "review_log",
    "undo_review",
    "write_page",
    "write_sitting",
    "yield_by_kind",
]
