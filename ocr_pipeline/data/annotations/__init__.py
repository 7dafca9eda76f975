"""Pages -> word crops and their labels, as LMDB or JSONL (step 4 of the guide)."""

from ocr_pipeline.data.annotations.reader import Crop, CropReader
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.annotations.stage import CODE_VERSION, build_annotations, fill_shards
from ocr_pipeline.data.annotations.stored import CropLine, StoredCrops, stored_crops

__all__ = [
    "CODE_VERSION",
    "AnnotationSettings",
    "Crop",
    "CropLine",
    "CropReader",
    "StoredCrops",
    "build_annotations",
    "fill_shards",
    "stored_crops",
]
