"""Merged files of the scripts this project replaces: COCO-like, words joined to pages by ``image_id``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ocr_pipeline.data.datasets import Parsed, SourcePartition
from ocr_pipeline.data.datasets.coco import CocoForm, keep_each, read_coco
from ocr_pipeline.data.datasets.json_stream import Pieces
from ocr_pipeline.data.datasets.label_forms import add_page, need, number, pick
from ocr_pipeline.page import Page, Quarantined, nfc

_encode = msgspec.json.Encoder().encode


def read_legacy(pieces: Pieces, partition: SourcePartition, label: str) -> Iterator[Parsed]:
    """The pages of one earlier merged file, and what had to be set aside.

    Two shapes of boxes occur: ``annotation.bbox`` as ``[x, y, width, height]`` with dotted keys (public_admin), and
    ``bbox`` as ``[x1..x4, y1..y4]`` (the other three). The third shape, the original of Text in the wild, is read by
    its data set.

    Raises:
        LabelError: it is neither.
    """

    def page_of(image: Any, _: str) -> tuple[str, Page]:
        page = Page(
            dataset=partition.dataset.name,
            split=partition.split or "",
            image=nfc(str(need(image, "image.file.name", "file_name"))),
            width=number(need(image, "image.width", "width")),
            height=number(need(image, "image.height", "height")),
            label=nfc(str(pick(image, "original_json_path", default=""))),
        )
        return str(need(image, "id")), page

    def keep(parsed: Parsed, annotations: list[Any]) -> Iterable[tuple[str | None, bytes]]:
        return keep_each(parsed, annotations, _keep, Quarantined("word", "word_malformed", *place, label))

    place = partition.dataset.name, partition.split or ""
    return read_coco(pieces, CocoForm(*place, dict, dict, page_of, keep, _add_words), label)


def _keep(annotation: Any) -> tuple[str | None, bytes]:
    if not isinstance(annotation, dict):
        return None, _encode([annotation])
    return str(pick(annotation, "image_id")), _encode([_corners_apart(annotation)])


def _add_words(parsed: Parsed, page: Page, words: bytes) -> None:
    add_page(parsed, page, msgspec.json.decode(words), ("annotation.text", "text"))


def _corners_apart(annotation: dict[str, Any]) -> dict[str, Any]:
    box = annotation.get("bbox")
    if isinstance(box, list) and len(box) == 8:
        rest = {key: value for key, value in annotation.items() if key != "bbox"}
        return {**rest, "x": box[:4], "y": box[4:]}
    return annotation
