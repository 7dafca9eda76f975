"""Raw label JSON -> one merged JSON per partition (step 2 of the guide)."""

from ocr_pipeline.data.merged_json.reader import count_merged_json, read_pages
from ocr_pipeline.data.merged_json.stage import CODE_VERSION, label_input, merge_labels

__all__ = ["CODE_VERSION", "count_merged_json", "label_input", "merge_labels", "read_pages"]
