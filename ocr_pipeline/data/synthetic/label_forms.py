"""The label document of each set, key by key as AI-Hub delivers it, misspelt keys included."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from ocr_pipeline.data.synthetic.drawing import Lettering, Picture
from ocr_pipeline.data.synthetic.writing import Box

Label = dict[str, Any]


def upright(box: Box) -> list[int]:
    """``[x, y, width, height]``, as public_admin and Text in the wild write a box."""
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def corners(box: Box) -> dict[str, list[int]]:
    """Corners top left, bottom left, top right, bottom right, as the other three sets write a box."""
    x0, y0, x1, y1 = box
    return {"x": [x0, x0, x1, x1], "y": [y0, y1, y0, y1]}


def public_admin(stem: str, category: str, picture: Picture) -> Label:
    """A label of 공공행정문서 OCR; the dots are part of its keys."""
    office, year = stem.split("-")[:2]
    height, width = picture.pixels.shape[:2]
    image = {
        "image.make.code": office,
        "image.make.year": year,
        "image.category": category,
        "image.width": width,
        "image.height": height,
        "image.file.name": f"{stem}.jpg",
        "image.create.time": "2020-11-30 12:00:00",
    }
    annotations = [
        {
            "id": number,
            "annotation.type": "rectangle",
            "annotation.text": word.text,
            "annotation.ttype": "textType1",
            "annotation.bbox": upright(word.box),
        }
        for number, word in enumerate(picture.words, start=1)
    ]
    return {"images": [image], "annotations": annotations}


def ocr_public(stem: str, archive: str, picture: Picture) -> Label:
    """A label of OCR 데이터(공공); its list of boxes is ``Bbox`` with a capital letter."""
    height, width = picture.pixels.shape[:2]
    path = f"OCR(public)/{archive}"
    return {
        "Annotation": {"object_recognition": 1, "text_language": 0},
        "Bbox": [
            {"data": word.text, "id": number, "type": 1, "typeface": 1, **corners(word.box)}
            for number, word in enumerate(picture.words, start=1)
        ],
        "Dataset": {
            "category": 0,
            "identifier": "OCR(public)",
            "label_path": path,
            "name": "대규모 OCR 데이터(공공)",
            "src_path": path,
            "type": 1,
        },
        "Images": {
            "dpi": 300,
            "group": 1,
            "height": height,
            "identifier": stem,
            "type": "jpg",
            "width": width,
            "writing_style": 1,
            "year": stem.split("_")[1],
        },
    }


def finance(stem: str, picture: Picture) -> Label:
    """A label of the finance half of OCR 데이터(금융 및 물류)."""
    boxes = [
        {"data": word.text, "data_type": data_type(word.text or ""), "id": number, **corners(word.box)}
        for number, word in enumerate(picture.words, start=1)
    ]
    images = {"data_captured": "2022.09.01", "form_type": "신청서"}
    return _finance_or_logistics(stem, picture, boxes, "Dataset", "금융", images)


def logistics(stem: str, picture: Picture, rng: np.random.Generator) -> Label:
    """A label of the logistics half: ids are UUIDs, two keys are spelt otherwise."""
    boxes = [
        {"data": word.text, "id": str(uuid.UUID(bytes=rng.bytes(16), version=1)), **corners(word.box)}
        for word in picture.words
    ]
    images = {"data_capture": "2022.09.01", "form_type": "상업송장"}
    return _finance_or_logistics(stem, picture, boxes, "DataSet", "물류", images)


def _finance_or_logistics(
    stem: str, picture: Picture, boxes: list[Label], dataset_key: str, half: str, images: Label
) -> Label:
    height, width = picture.pixels.shape[:2]
    return {
        "Annotation": {"object_recognition": 1, "text_language": 0},
        dataset_key: {
            "category": 0,
            "identifier": stem[:11],
            "label_path": f"OCR/{half}/02.라벨링데이터/",
            "name": f"대규모 OCR 데이터셋 ({half})",
            "src_path": f"OCR/{half}/01.원천데이터/",
            "type": 1,
        },
        "Images": {**images, "height": height, "identifier": stem, "type": "png", "width": width},
        "bbox": boxes,
    }


def data_type(text: str) -> int:
    """0 Korean, 1 English, 2 number, 3 mixed or special."""
    if all("가" <= letter <= "힣" for letter in text):
        return 0
    if text.isascii() and text.isalpha():
        return 1
    return 2 if text.isdecimal() else 3


def handwriting(stem: str, folder: str, picture: Picture, rng: np.random.Generator) -> Label:
    """A label of 대용량 손글씨 OCR; ``folder`` is ``P.Paper/R.Free`` and the like."""
    height, width = picture.pixels.shape[:2]
    path = f"HW_OCR/4.Validation/{folder}/"  # with an underscore, unlike the folder on the disk
    return {
        "Annotation": {"object_recognition": 0, "text_language": 0},
        "Dataset": {
            "category": 0,
            "identifier": "IMG_OCR_53",
            "label_path": path,
            "name": "대용량 손글씨 데이터셋",
            "src_path": path,
            "type": 1,
        },
        "Images": {
            "acquistion_location": "자체",
            "application_field": "기타",
            "background": int(folder.startswith("T")),
            "data_captured": "2021.09.06",
            "height": height,
            "identifier": stem,
            "media_type": 0,
            "pen_color": picture.pen,
            "pen_type": 0,
            "type": "png",
            "width": width,
            "writer_age": int(rng.integers(18, 75)),
            "writer_sex": int(rng.integers(2)),
            "written_content": int(folder.endswith("R.Free")),
        },
        "bbox": [
            {"data": word.text, "id": number, **corners(word.box)} for number, word in enumerate(picture.words, start=1)
        ],
    }


def text_in_wild_image(file_name: str, kind: str, picture: Picture) -> Label:
    """One picture's part of the one label file of Text in the wild, with no ids yet."""
    height, width = picture.pixels.shape[:2]
    annotations = [annotation for word in picture.words for annotation in _word_and_letters(word)]
    image = {"id": "", "width": width, "height": height, "file_name": file_name, "type": kind}
    return {"images": [image], "annotations": annotations}


def text_in_wild(parts: Sequence[Label]) -> Label:
    """The one label file of Text in the wild: ids count through, as strings of eight digits."""
    images: list[Label] = []
    annotations: list[Label] = []
    for part in parts:
        image_id = f"{len(images) + 1:08}"
        for image in part["images"]:
            images.append({**image, "id": f"{len(images) + 1:08}"})
        for annotation in part["annotations"]:
            annotations.append({"id": f"{len(annotations) + 1:08}", "image_id": image_id, **annotation})
    info = {"name": "Text in the wild Dataset", "date_created": "2019-10-14 04:31:48"}
    return {"info": info, "images": images, "annotations": annotations, "licenses": []}


def _word_and_letters(word: Lettering) -> list[Label]:
    kind = "ignored" if word.text is None else "word"
    found = [wild_annotation(word.text, kind, word.box)]
    if word.text is not None:
        found += [wild_annotation(text, "character", box) for text, box in zip(word.text, word.letters, strict=True)]
    return found


def wild_annotation(text: str | None, kind: str, box: Box) -> Label:
    """An annotation of Text in the wild without its ids; ``kind`` is ``word``, ``character`` or ``ignored``."""
    return {"text": text, "attributes": {"class": kind}, "bbox": upright(box)}
