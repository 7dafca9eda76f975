"""Settings exist once: a field says its default, help, range and variable, and every door reads them there."""

from ocr_pipeline.settings.declaring import Setting, settings_in
from ocr_pipeline.settings.reading import OFF, ON, Settings, Values, no_such, read

__all__ = ["OFF", "ON", "Setting", "Settings", "Values", "no_such", "read", "settings_in"]
