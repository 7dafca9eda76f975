"""Text in the wild (AI-Hub 81): signs, goods and books; one label file for all, split here."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ocr_pipeline.datasets.dataset import Dataset, LabelError, Parsed
from ocr_pipeline.datasets.label_forms import add_page, need, number, pick
from ocr_pipeline.page import Page, nfc
from ocr_pipeline.storage.quarantine import Quarantined


def split_by_name(image: str) -> str:
    """``valid`` for one picture in ten, by a hash of its name: stable whatever is added or removed."""
    return "valid" if hashlib.sha256(nfc(image).encode()).digest()[0] % 10 == 0 else "train"


def read_text_in_wild(document: Any, label: str, split: str = "") -> Parsed:
    """All pages of ``textinthewild_data_info.json``, in the order of its ``images``.

    Words and ignored boxes become words; character boxes lie inside word boxes and are only counted. A picture that
    is listed under two ids is one page with the words of both.
    """
    images, annotations = need(document, "images"), need(document, "annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise LabelError("images and annotations must be lists")
    parsed = Parsed()
    records: dict[str, list[Any]] = defaultdict(list)
    names = [nfc(str(need(image, "file_name"))) for image in images]
    name_of = {str(need(image, "id")): name for image, name in zip(images, names, strict=True)}
    for annotation in annotations:
        _collect(parsed, records, name_of, annotation, label)
    seen: set[str] = set()
    for image, name in zip(images, names, strict=True):
        if name in seen:
            parsed.counts.pages_in += 1
            parsed.set_aside(_listed_again(name, image, label))
        else:
            seen.add(name)
            _add_image(parsed, records.get(name, []), name, image, label)
    return parsed


def _collect(parsed: Parsed, records: dict[str, list[Any]], name_of: dict[str, str], raw: Any, label: str) -> None:
    if _class_of(raw) == "character":
        parsed.counts.note("characters")
        return
    name = name_of.get(str(pick(raw, "image_id")) if isinstance(raw, Mapping) else "")
    if name is None:
        parsed.counts.words_in += 1
        record = Quarantined("word", "word_without_page", "text_in_wild", "", label, detail=f"annotation {raw!r:.200}")
        parsed.set_aside(record)
        return
    records[name].append(raw)


def _add_image(parsed: Parsed, words: list[Any], name: str, image: Any, label: str) -> None:
    width, height = number(need(image, "width")), number(need(image, "height"))
    ignored = frozenset(place for place, raw in enumerate(words) if _class_of(raw) == "ignored")
    page = Page("text_in_wild", split_by_name(name), name, width, height, label)
    add_page(parsed, page, words, ("text",), ignored)


def _listed_again(name: str, image: Any, label: str) -> Quarantined:
    detail = f"listed again with id {pick(image, 'id')}; its words stand with the first listing"
    return Quarantined("page", "duplicate_picture", "text_in_wild", split_by_name(name), label, name, detail=detail)


def _class_of(annotation: Any) -> str:
    attributes = pick(annotation, "attributes", default={}) if isinstance(annotation, Mapping) else {}
    return str(pick(attributes, "class", default="word")) if isinstance(attributes, Mapping) else "word"


DATASET = Dataset(
    name="text_in_wild",
    title="한국어 글자체 이미지: Text in the wild",
    folder="textinthewild",
    splits=None,
    read=read_text_in_wild,
    documents=False,
)
