from __future__ import annotations

import io
import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from ocr_pipeline.data.synthetic import Collection, PlantedFault, write_collection
from ocr_pipeline.data.synthetic.faults import boxes_of
from ocr_pipeline_tests.data.synthetic.conftest import SMALL, contents

REASONS = {
    "label_unreadable",
    "image_unreadable",
    "image_missing",
    "label_missing",
    "word_outside",
    "word_zero_area",
    "duplicate_picture",
    "handled",
}


def the_fault(collection: Collection, partition: str, words: str) -> tuple[PlantedFault, Path]:
    (fault,) = (fault for fault in collection.faults if fault.partition == partition and words in fault.what)
    return fault, collection.root / fault.file


def wild_label(collection: Collection) -> dict:
    (path,) = collection.root.rglob("textinthewild_data_info.json")
    return json.loads(path.read_text("utf-8"))


def test_every_reason_is_planted(faulty):
    assert {fault.reason for fault in faulty.faults} == REASONS
    assert len({(fault.partition, fault.image) for fault in faulty.faults}) == len(faulty.faults)


def test_sound_pages_are_the_same_beside_faulty_ones(faulty, tmp_path):
    sound = write_collection(tmp_path, pages=1, page_size=SMALL)
    with_faults = contents(faulty.root)
    for path, content in contents(tmp_path).items():
        assert path.endswith("textinthewild_data_info.json") or with_faults[path] == content
    assert (sound.pages, sound.words) == (faulty.pages, faulty.words)


def test_labels_cut_off_and_marked(faulty):
    _, cut = the_fault(faulty, "public_admin_train", "cut off")
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.read_bytes())
    _, marked = the_fault(faulty, "public_admin_train", "byte order mark")
    assert marked.read_bytes().startswith(b"\xef\xbb\xbf{")
    assert json.loads(marked.read_text("utf-8-sig"))


@pytest.mark.parametrize("partition", ["ocr_public_train", "finance_logistics_train", "text_in_wild"])
def test_pictures_cut_off(faulty, partition):
    _, path = the_fault(faulty, partition, "picture is cut off")
    with pytest.raises(OSError, match="truncated"):
        Image.open(path).load()


def test_halves_without_their_other_half(faulty):
    names = Counter(path.name for path in faulty.root.rglob("*"))
    for fault in faulty.faults:
        if fault.reason == "image_missing":
            assert fault.image not in names
        if fault.reason == "label_missing":
            assert names[fault.image] == 1
            assert f"{Path(fault.image).stem}.json" not in names
    assert names[the_fault(faulty, "finance_logistics_train", "two folders")[0].image] == 2


def test_changed_words(faulty):
    def records(partition: str, words: str) -> list[dict]:
        return boxes_of(json.loads(the_fault(faulty, partition, words)[1].read_text("utf-8")))

    ids = [record["id"] for record in records("public_admin_train", "id occurs twice")]
    assert len(set(ids)) == len(ids) - 1
    assert min(record["annotation.bbox"][0] for record in records("public_admin_train", "left of the page")) < 0
    assert records("public_admin_train", "empty text")[-1]["annotation.text"] == ""
    assert min(records("ocr_public_train", "beyond the page")[-1]["x"]) > SMALL[0]
    assert len(set(records("ocr_public_train", "no height")[-1]["y"])) == 1
    assert records("handwriting_train", "xxx")[-1]["data"] == "xxx"
    changed = records("handwriting_train", "NFC changes")[-1]["data"]
    assert unicodedata.normalize("NFC", changed) != changed


def test_odd_files(faulty):
    _, png = the_fault(faulty, "ocr_public_train", "named .jpg")
    assert png.suffix == ".jpg" and Image.open(io.BytesIO(png.read_bytes())).format == "PNG"
    _, beside = the_fault(faulty, "finance_logistics_train", "AppleDouble")
    assert beside.with_name(f"._{beside.name}").read_bytes().startswith(b"\x00\x05\x16\x07")
    fault, _ = the_fault(faulty, "finance_logistics_train", "NFD")
    (path,) = faulty.root.rglob(fault.image)
    assert not unicodedata.is_normalized("NFC", path.parent.name)


def test_text_in_wild(faulty):
    label = wild_label(faulty)
    assert any(record["bbox"][3] == 0 and record["text"] == "국ㅇㄴ" for record in label["annotations"])
    assert any(record["bbox"][0] < 0 for record in label["annotations"])
    twice, _ = the_fault(faulty, "text_in_wild", "listed twice")
    ids = [image["id"] for image in label["images"] if image["file_name"] == twice.image]
    assert len(set(ids)) == 2
    missing, _ = the_fault(faulty, "text_in_wild", "missing")
    assert missing.image in {image["file_name"] for image in label["images"]}


def test_partitions_without_pages_get_no_faults(tmp_path):
    planted = write_collection(tmp_path, pages={"handwriting_train": 1}, page_size=SMALL, faults=True).faults
    assert {fault.partition for fault in planted} == {"handwriting_train"}
