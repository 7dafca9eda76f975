"""Labelled pages in any form that this pipeline reads."""

from ocr_pipeline.judging.labelled.page import LabelledPage, LabelledPages, LabelledWord
from ocr_pipeline.judging.labelled.sources import labelled_at, labelled_partition, published_pages

__all__ = ["LabelledPage", "LabelledPages", "LabelledWord", "labelled_at", "labelled_partition", "published_pages"]
