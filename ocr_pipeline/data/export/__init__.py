"""Published crops and pages in the forms of other tools; each sample says where it comes from."""

from ocr_pipeline.data.export.forms import FORMS
from ocr_pipeline.data.export.stage import export_data

__all__ = ["FORMS", "export_data"]
