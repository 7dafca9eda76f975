"""Picture trees -> file name to path, matched to the labels (step 3 of the guide)."""

from ocr_pipeline.data.lookup.format import read_lookup, write_lookup
from ocr_pipeline.data.lookup.names import Lookup
from ocr_pipeline.data.lookup.stage import CODE_VERSION, build_lookup, load_lookup, picture_input

__all__ = ["CODE_VERSION", "Lookup", "build_lookup", "load_lookup", "picture_input", "read_lookup", "write_lookup"]
