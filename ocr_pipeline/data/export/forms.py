"""The forms there are; another one is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from ocr_pipeline.data.export.coco import write_coco
from ocr_pipeline.data.export.crop_forms import write_hugging_face, write_ppocr, write_web_dataset
from ocr_pipeline.data.export.lmdb_forms import write_crop_lmdb, write_layout_lmdb
from ocr_pipeline.data.export.samples import Source


class Form(NamedTuple):
    """One form.

    Attributes:
        of: what it is made from: word crops (step 4), or pages (step 5).
        write: writes one artifact into the folder; returns the number of its samples.
    """

    of: Literal["annotations", "layout_lmdb"]
    write: Callable[[Path, Source], int]


FORMS: dict[str, Form] = {
    "hf": Form("annotations", write_hugging_face),
    "webdataset": Form("annotations", write_web_dataset),
    "ppocr": Form("annotations", write_ppocr),
    "lmdb": Form("annotations", write_crop_lmdb),
    "coco": Form("layout_lmdb", write_coco),
    "layout-lmdb": Form("layout_lmdb", write_layout_lmdb),
}
