"""Text in the wild (AI-Hub 81): signs, goods and books; one label file for all, split here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from ocr_pipeline.data.datasets.coco import CocoForm, keep_each, read_coco
from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount, LabelError, Parsed
from ocr_pipeline.data.datasets.json_stream import Pieces
from ocr_pipeline.data.datasets.label_forms import add_page, need, number, pick
from ocr_pipeline.data.datasets.names import base_name
from ocr_pipeline.data.datasets.usual_forms import Pixels, SizedBox, add_usual_page, quads_of_sizes
from ocr_pipeline.page import Page, Quarantined, is_unicode, nfc


def split_by_name(image: str) -> str:
    """``valid`` for one picture in ten, by a hash of its name: stable whatever is added or removed."""
    return "valid" if hashlib.sha256(nfc(image).encode()).digest()[0] % 10 == 0 else "train"


def read_text_in_wild(pieces: Pieces, label: str) -> Iterator[Parsed]:
    """All pages of ``textinthewild_data_info.json``, in the order of its ``images``; see `read_coco`.

    Words and ignored boxes become words; character boxes lie inside word boxes and are only counted. A picture that
    is listed under two ids is one page with the words of both; a malformed image record is a quarantined page.
    """
    return read_coco(pieces, _FORM, label)


class WildImage(msgspec.Struct, gc=False):
    """A usual record of ``images``, as far as it is needed."""

    id: str
    file_name: str
    width: Pixels
    height: Pixels


class _Attributes(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="class")


class WildAnnotation(msgspec.Struct, gc=False):
    """A usual record of ``annotations``, as far as it is needed; of most, characters, text and box are not."""

    image_id: str
    text: msgspec.Raw
    bbox: msgspec.Raw
    attributes: _Attributes


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """What waits of a usual annotation."""

    text: str | None
    box: SizedBox
    is_ignored: bool


_encode = msgspec.json.Encoder().encode
_image_id = attrgetter("image_id")
_kept = msgspec.json.Decoder(list[_Kept])


def _page_of(record: Any, label: str) -> tuple[str, Page]:
    if isinstance(record, WildImage):
        image, name, width, height = record.id, record.file_name, record.width, record.height
    else:
        image, name = str(need(record, "id")), str(need(record, "file_name"))
        width, height = number(need(record, "width")), number(need(record, "height"))
    if not is_unicode(image):
        raise LabelError("its id holds half a character")
    name = base_name(name)
    return image, Page("text_in_wild", split_by_name(name), name, width, height, label)


def _keep(parsed: Parsed, records: list[Any]) -> Iterator[tuple[str | None, bytes]]:
    if not records or not isinstance(records[0], WildAnnotation):  # a batch is of one kind
        return keep_each(
            parsed, records, partial(_keep_odd, parsed), Quarantined("word", "word_malformed", "text_in_wild", "")
        )
    words = [record for record in records if record.attributes.kind != "character"]
    parsed.counts.note("characters", len(records) - len(words))
    return ((image, _take_apart(run)) for image, run in groupby(words, _image_id))


def _take_apart(words: Iterable[WildAnnotation]) -> bytes:
    kept = _encode([(word.text, word.bbox, word.attributes.kind == "ignored") for word in words])
    kept.decode()  # raw text has not been looked at yet, and a document in cp949 must be noticed before pages come
    return kept


def _keep_odd(parsed: Parsed, record: Any) -> tuple[str | None, bytes] | None:
    if _class_of(record) == "character":
        parsed.counts.note("characters")
        return None
    return str(pick(record, "image_id")) if isinstance(record, Mapping) else None, _encode([record])


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
    ignored = frozenset([place for place, word in enumerate(kept) if word.is_ignored])
    texts = [word.text for word in kept]
    quads = quads_of_sizes([word.box for word in kept])
    return add_usual_page(parsed, page, texts, quads, ignored=ignored)


def _whole(kept: Any) -> Any:
    """A record that `_keep` took apart, as a record again."""
    if not isinstance(kept, list):
        return kept
    text, box, is_ignored = kept
    return {"text": text, "bbox": box, "attributes": {"class": "ignored" if is_ignored else "word"}}


def _class_of(annotation: Any) -> str:
    attributes = pick(annotation, "attributes", default={}) if isinstance(annotation, Mapping) else {}
    return str(pick(attributes, "class", default="word")) if isinstance(attributes, Mapping) else "word"


_FORM = CocoForm("text_in_wild", "", WildImage, WildAnnotation, _page_of, _keep, _add_words, joins_names=True)

DATASET = Dataset(
    name="text_in_wild",
    title="한국어 글자체 이미지: Text in the wild",
    folder="textinthewild",
    splits=None,
    read_whole=read_text_in_wild,
    documents=False,
    known_counts=(KnownCount((), 100_000, tolerance=0.05),),
)
