"""Text in the wild (AI-Hub 81): signs, goods and books; one label file for all, split here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ocr_pipeline.datasets.coco import CocoForm, read_coco
from ocr_pipeline.datasets.dataset import Dataset, Parsed
from ocr_pipeline.datasets.json_stream import Pieces
from ocr_pipeline.datasets.label_forms import add_page, need, number, pick
from ocr_pipeline.datasets.usual_forms import SizedBox, add_usual_page, quads_of_sizes
from ocr_pipeline.page import Page, nfc


def split_by_name(image: str) -> str:
    """``valid`` for one picture in ten, by a hash of its name: stable whatever is added or removed."""
    return "valid" if hashlib.sha256(nfc(image).encode()).digest()[0] % 10 == 0 else "train"


def read_text_in_wild(pieces: Pieces, label: str) -> Iterator[Parsed]:
    """All pages of ``textinthewild_data_info.json``, in the order of its ``images``; see `read_coco`.

    Words and ignored boxes become words; character boxes lie inside word boxes and are only counted. A picture that
    is listed under two ids is one page with the words of both; a malformed image record is a quarantined page.
    """
    return read_coco(pieces, _FORM, label)


class _Image(msgspec.Struct, gc=False):
    id: str
    file_name: str
    width: int
    height: int


class _Attributes(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="class")


class _Annotation(msgspec.Struct, gc=False):
    image_id: str
    text: str | None
    bbox: tuple[int | float, ...]
    attributes: _Attributes


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """What waits of a usual annotation."""

    text: str
    box: SizedBox
    is_ignored: bool


_kept = msgspec.json.Decoder(list[_Kept])


def _page_of(record: Any, label: str) -> tuple[str, Page]:
    if isinstance(record, _Image):
        image, name, width, height = record.id, record.file_name, record.width, record.height
    else:
        image, name = str(need(record, "id")), str(need(record, "file_name"))
        width, height = need(record, "width"), need(record, "height")
    name = nfc(name)
    return image, Page("text_in_wild", split_by_name(name), name, number(width), number(height), label)


def _keep(parsed: Parsed, records: list[Any]) -> Iterator[tuple[str | None, bytes]]:
    encode, characters = msgspec.json.Encoder().encode, 0
    for record in records:
        if isinstance(record, _Annotation):
            kind = record.attributes.kind
            if kind == "character":
                characters += 1
            else:
                yield record.image_id, encode((record.text, record.bbox, kind == "ignored"))
        elif _class_of(record) == "character":
            characters += 1
        else:
            yield str(pick(record, "image_id")) if isinstance(record, Mapping) else None, encode(record)
    parsed.counts.note("characters", characters)


def _add_words(parsed: Parsed, page: Page, words: bytes) -> None:
    if not _add_usual(parsed, page, words):
        records = [_whole(record) for record in msgspec.json.decode(words)]
        ignored = frozenset(place for place, record in enumerate(records) if _class_of(record) == "ignored")
        add_page(parsed, page, records, ("text",), ignored)


def _add_usual(parsed: Parsed, page: Page, words: bytes) -> bool:
    try:
        kept = _kept.decode(words)
    except msgspec.ValidationError:
        return False
    if any(word.is_ignored for word in kept):
        return False
    quads = quads_of_sizes([word.box for word in kept])
    return quads is not None and add_usual_page(parsed, page, [word.text for word in kept], quads)


def _whole(kept: Any) -> Any:
    """A record that `_keep` took apart, as a record again."""
    if not isinstance(kept, list):
        return kept
    text, box, is_ignored = kept
    return {"text": text, "bbox": box, "attributes": {"class": "ignored" if is_ignored else "word"}}


def _class_of(annotation: Any) -> str:
    attributes = pick(annotation, "attributes", default={}) if isinstance(annotation, Mapping) else {}
    return str(pick(attributes, "class", default="word")) if isinstance(attributes, Mapping) else "word"


_FORM = CocoForm("text_in_wild", "", _Image, _Annotation, _page_of, _keep, _add_words, joins_names=True)

DATASET = Dataset(
    name="text_in_wild",
    title="한국어 글자체 이미지: Text in the wild",
    folder="textinthewild",
    splits=None,
    read_whole=read_text_in_wild,
    documents=False,
)
