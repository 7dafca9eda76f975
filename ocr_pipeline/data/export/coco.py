"""Pages as COCO: ``<dataset>_<split>.json`` and ``images/``; words are of one category, with their text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ocr_pipeline.data.export.samples import PageSample, Source, pages_of
from ocr_pipeline.data.layout_lmdb import LayoutWord

_CATEGORIES = [{"id": 1, "name": "word"}]


def write_coco(folder: Path, source: Source) -> int:
    """One document, written as a stream, and the pages' pictures; returns how many.

    A word that is there but not to be learned from has ``iscrowd`` 1, as COCO says of what need not be found.
    """
    pictures = folder / "images" / f"{source.dataset}_{source.split}"
    pictures.mkdir(parents=True)
    words = folder / "words.part"
    with (folder / f"{source.dataset}_{source.split}.json").open("w", encoding="utf-8") as document:
        document.write('{"categories": ' + json.dumps(_CATEGORIES) + ', "images": [\n')
        with words.open("w+", encoding="utf-8") as annotations:
            count = _write_pages(document, annotations, folder, pictures, source)
            document.write('\n], "annotations": [\n')
            annotations.seek(0)
            document.writelines(annotations)
        document.write("\n]}\n")
    words.unlink()
    return count


def _write_pages(document: TextIO, annotations: TextIO, folder: Path, pictures: Path, source: Source) -> int:
    count = number = 0
    for count, sample in enumerate(pages_of(source), 1):
        picture = pictures / f"{count:09d}{sample.ending}"
        picture.write_bytes(sample.picture)
        document.write(",\n" * (count > 1) + _json(_image(sample, count, picture.relative_to(folder))))
        for annotation in _annotations(sample, count, number):
            annotations.write(",\n" * (number > 0) + _json(annotation))
            number += 1
    return count


def _image(sample: PageSample, number: int, name: Path) -> dict[str, Any]:
    page = sample.page
    size = {"file_name": name.as_posix(), "width": page.width, "height": page.height}
    return {"id": number, **size, "label": page.label, "image": page.image, **sample.origin}


def _annotations(sample: PageSample, image: int, begun: int) -> Iterator[dict[str, Any]]:
    for place, word in enumerate(sample.page.words, begun + 1):
        yield {"id": place, "image_id": image, "category_id": 1, **_shape(word)}


def _shape(word: LayoutWord) -> dict[str, Any]:
    xs, ys = zip(*word.quad, strict=True)
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    outline = [coordinate for point in word.quad for coordinate in point]
    shape = {"bbox": box, "area": box[2] * box[3], "segmentation": [outline]}
    return {**shape, "iscrowd": int(word.state == "ignore"), "text": word.text, "word": word.id}


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
