"""What is known of the data before anything is trained on it: numbers, faults, leaks, and a report with pictures."""

from ocr_pipeline.data.quality.labels import KINDS
from ocr_pipeline.data.quality.record import Comparison, PublishedCount, Quality, SamplePicture
from ocr_pipeline.data.quality.report import write_report
from ocr_pipeline.data.quality.stage import (
    CODE_VERSION,
    QualitySettings,
    measure_quality,
    read_quality,
)

__all__ = [
    "CODE_VERSION",
    "KINDS",
    "Comparison",
    "PublishedCount",
    "Quality",
    "QualitySettings",
    "SamplePicture",
    "measure_quality",
    "read_quality",
    "write_report",
]
