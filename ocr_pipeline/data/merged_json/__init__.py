"""Raw label JSON -> one merged JSON per partition (step 2 of the guide)."""

from ocr_pipeline.data.merged_json.reader import read_pages
from ocr_pipeline.data.merged_json.stage import CODE_VERSION, label_input, merge_labels

__all__ = ["CODE_VERSION", "label_input", "merge_labels", "read_pages"]
