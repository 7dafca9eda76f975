"""Picture trees -> file name to path, matched to the labels (step 3 of the guide)."""

from ocr_pipeline.data.lookup.format import read_lookup, write_lookup
from ocr_pipeline.data.lookup.names import Lookup
from ocr_pipeline.data.lookup.sharding import PageShard, PageTask, page_shards, page_tasks
from ocr_pipeline.data.lookup.stage import CODE_VERSION, build_lookup, load_lookup, picture_input, publish_paths

__all__ = [
    "CODE_VERSION",
    "Lookup",
    "PageShard",
    "PageTask",
    "build_lookup",
    "load_lookup",
    "page_shards",
    "page_tasks",
    "picture_input",
    "publish_paths",
    "read_lookup",
    "write_lookup",
]
