"""Merged files of the scripts this project replaces: COCO-like, words joined to pages by ``image_id``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ocr_pipeline.datasets import LabelError, Parsed, SourcePartition
from ocr_pipeline.datasets.label_forms import add_page, need, number, pick
from ocr_pipeline.page import Page, nfc


def pages_of_earlier(document: Any, partition: SourcePartition) -> Iterator[Page]:
    """Pages of one earlier merged file.

    Two shapes of boxes occur: ``annotation.bbox`` as ``[x, y, width, height]`` with dotted keys (public_admin), and
    ``bbox`` as ``[x1..x4, y1..y4]`` (the other three). The third shape, the original of Text in the wild, is read by
    its data set.

    Raises:
        LabelError: it is neither.
    """
    images, annotations = need(document, "images"), need(document, "annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise LabelError("images and annotations must be lists")
    words: dict[Any, list[Any]] = defaultdict(list)
    for annotation in annotations:
        words[need(annotation, "image_id")].append(_corners_apart(annotation))
    for image in images:
        page = Page(
            dataset=partition.dataset.name,
            split=partition.split or "",
            image=nfc(str(need(image, "image.file.name", "file_name"))),
            width=number(need(image, "image.width", "width")),
            height=number(need(image, "image.height", "height")),
            label=nfc(str(pick(image, "original_json_path", default=""))),
        )
        parsed = Parsed()
        add_page(parsed, page, words.get(image.get("id"), []), ("annotation.text", "text"))
        yield from parsed.pages


def _corners_apart(annotation: dict[str, Any]) -> dict[str, Any]:
    box = annotation.get("bbox")
    if isinstance(box, list) and len(box) == 8:
        rest = {key: value for key, value in annotation.items() if key != "bbox"}
        return {**rest, "x": box[:4], "y": box[4:]}
    return annotation
