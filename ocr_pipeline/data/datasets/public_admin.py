"""공공행정문서 OCR (AI-Hub 88): scans of administrative files; keys carry dots, annotation ids repeat."""

from __future__ import annotations

from typing import Any

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount, LabelError, Parsed
from ocr_pipeline.data.datasets.label_forms import add_page, need, number
from ocr_pipeline.data.datasets.names import base_name
from ocr_pipeline.data.datasets.usual_forms import usual_admin_label
from ocr_pipeline.page import Page


def read_public_admin(document: Any, label: str, split: str) -> Parsed:
    """One page per label file: ``images[0]`` and its ``annotations`` with ``[x, y, width, height]`` boxes."""
    images, records = need(document, "images"), need(document, "annotations")
    if not isinstance(images, list) or len(images) != 1 or not isinstance(records, list):
        raise LabelError("a label of this set names exactly one picture and a list of annotations")
    page = Page(
        dataset="public_admin",
        split=split,
        image=base_name(str(need(images[0], "image.file.name", "file_name"))),
        width=number(need(images[0], "image.width", "width")),
        height=number(need(images[0], "image.height", "height")),
        label=label,
    )
    parsed = Parsed()
    add_page(parsed, page, records, ("annotation.text", "text"))
    return parsed


DATASET = Dataset(
    name="public_admin",
    title="공공행정문서 OCR",
    folder="공공행정문서ocr",
    splits=("train", "train_partly", "valid"),
    read=read_public_admin,
    read_usual=usual_admin_label("public_admin"),
    known_counts=(KnownCount(("train",), 102_477), KnownCount(("valid",), 11_397, 1_339_230)),
)
