from __future__ import annotations

import json
import uuid

from ocr_pipeline.data.synthetic.label_forms import data_type


def labels(collection, folder: str) -> list[dict]:
    (root,) = collection.root.glob(f"{folder}*")
    return [json.loads(path.read_text("utf-8")) for path in sorted(root.rglob("*.json"))]


def assert_corner_order(record: dict) -> None:
    (x0, x1, x2, x3), (y0, y1, y2, y3) = record["x"], record["y"]
    assert x0 == x1 < x2 == x3  # top left, bottom left, top right, bottom right
    assert y0 == y2 < y1 == y3


def test_public_admin(collection):
    for label in labels(collection, "공공행정문서"):
        (image,) = label["images"]
        assert set(label) == {"images", "annotations"}
        assert set(image) == {
            "image.make.code",
            "image.make.year",
            "image.category",
            "image.width",
            "image.height",
            "image.file.name",
            "image.create.time",
        }
        for record in label["annotations"]:
            assert set(record) == {"id", "annotation.type", "annotation.text", "annotation.ttype", "annotation.bbox"}
            assert record["annotation.text"]


def test_ocr_public(collection):
    for label in labels(collection, "023"):
        assert set(label) == {"Annotation", "Bbox", "Dataset", "Images"}
        assert label["Images"]["type"] == "jpg"
        for record in label["Bbox"]:
            assert set(record) == {"data", "id", "type", "typeface", "x", "y"}
            assert_corner_order(record)


def test_finance_and_logistics(collection):
    finance, logistics = [], []
    for label in labels(collection, "025"):
        (finance if "Dataset" in label else logistics).append(label)
    assert finance and logistics
    for label in finance:
        assert set(label) == {"Annotation", "Dataset", "Images", "bbox"}
        assert label["Dataset"]["identifier"] == "IMG_OCR_6_F"
        assert [record["id"] for record in label["bbox"]] == list(range(1, len(label["bbox"]) + 1))
    for label in logistics:
        assert set(label) == {"Annotation", "DataSet", "Images", "bbox"}
        assert len({uuid.UUID(record["id"]) for record in label["bbox"]}) == len(label["bbox"])
    for label in finance + logistics:
        assert label["Images"]["type"] == "png"
        for record in label["bbox"]:
            assert_corner_order(record)


def test_handwriting(collection):
    for label in labels(collection, "053"):
        images = label["Images"]
        assert set(label) == {"Annotation", "Dataset", "Images", "bbox"}
        assert "acquistion_location" in images
        assert label["Dataset"]["label_path"].startswith("HW_OCR/4.Validation/")
        number = images["identifier"].rpartition("_")[2]
        assert int(label["bbox"][0]["data"]) == int(number)
        for record in label["bbox"]:
            assert set(record) == {"data", "id", "x", "y"}
            assert_corner_order(record)


def test_text_in_wild(collection):
    (label,) = labels(collection, "13.")
    assert list(label) == ["info", "images", "annotations", "licenses"]
    assert {image["type"] for image in label["images"]} == {"book", "sign", "traffic sign", "product"}
    assert len({record["id"] for record in label["annotations"]}) == len(label["annotations"])
    for image in label["images"]:
        (path,) = collection.root.rglob(image["file_name"])
        assert path.parent.name in ("book", "Signboard", "Traffic_Sign", "Goods")
    kinds = {record["attributes"]["class"] for record in label["annotations"]}
    assert kinds == {"word", "character", "ignored"}
    words = sum(record["attributes"]["class"] == "word" for record in label["annotations"])
    assert words == collection.words["text_in_wild"]


def test_characters_spell_their_word_and_lie_within_it(collection):
    (label,) = labels(collection, "13.")
    spelt, word = "", None
    for record in [*label["annotations"], {"attributes": {"class": "word"}, "text": "", "bbox": [0, 0, 1, 1]}]:
        if record["attributes"]["class"] == "character":
            x, y, width, height = record["bbox"]
            left, top, wide, high = word["bbox"]
            assert left <= x < x + width <= left + wide and top <= y < y + height <= top + high
            spelt += record["text"]
        else:
            assert word is None or spelt == (word["text"] or "")
            spelt, word = "", record


def test_data_type():
    assert [data_type(text) for text in ("홍길동", "BUSAN", "2024", "1,000원")] == [0, 1, 2, 3]
