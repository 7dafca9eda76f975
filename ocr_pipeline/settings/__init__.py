"""Settings exist once: a field says its default, help, range and variable, and every door reads them there."""

from ocr_pipeline.settings.declaring import Setting, settings_in
from ocr_pipeline.settings.places import as_it_lies, likely
from ocr_pipeline.settings.reading import OFF, ON, Settings, Values, demand_spelled, no_such, read
from ocr_pipeline.settings.recording import LATER, as_before, described, left_out, recorded

__all__ = [
    "LATER",
    "OFF",
    "ON",
    "Setting",
    "Settings",
    "Values",
    "as_before",
    "as_it_lies",
    "demand_spelled",
    "described",
    "left_out",
    "likely",
    "no_such",
    "read",
    "recorded",
    "settings_in",
]
