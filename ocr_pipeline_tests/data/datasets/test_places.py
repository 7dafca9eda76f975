"""Where the sets lie on the share, in the spellings of the releases."""

from __future__ import annotations

import unicodedata

import pytest

from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.datasets.dataset import find_roots, is_picture, kind_of, letters, split_of
from ocr_pipeline.storage.source.local_files import LocalFiles
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import ADMIN, FINANCE, HANDWRITING, WILD, write_tree


def names(entries) -> list[str]:
    return [entry.name for entry in entries]


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        (("Training", "02.라벨링데이터"), "train"),
        (("1.Training", "라벨링데이터", "TL", "4.Validation", "P.Paper"), "train"),
        (("2.Validation", "라벨링데이터", "VL", "4.Validation"), "valid"),
        (("01.데이터", "01.Training"), "train"),
        (("Training", "[라벨]train_partly_labling", "산업진흥"), "train_partly"),
        (("Training", "[원천]train_partly_labeling_01", "2.원천데이터_부분라벨링"), "train_partly"),
        (("Training", "[라벨]train", "01.라벨링데이터(Json)"), "train"),
        (("validation",), "valid"),
        (("01-1.정식개방데이터",), None),
        (("Training_notes",), None),
        ((), None),
    ],
)
def test_the_topmost_folder_that_names_a_split_decides(folder, split):
    assert split_of(folder) == split


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        (("02.라벨링데이터", "TL_OCR(public)_AF"), "label"),
        (("01.원천데이터", "TS_금융_1.은행"), "picture"),
        (("TL",), "label"),
        (("TS5", "HW-OCR"), "picture"),
        (("VL_1",), "label"),
        (("VS",), "picture"),
        (("[라벨]train", "01.라벨링데이터(Json)"), "label"),
        (("[원천]train_partly_labeling_01", "2.원천데이터_부분라벨링"), "picture"),
        (("2.원천데이터_부분라벨링",), "picture"),
        (("TLS", "VSx", "TSV"), None),
        (("01_textinthewild_book_images_new",), None),
    ],
)
def test_folders_of_labels_and_of_pictures(folder, kind):
    assert kind_of(folder) == kind


def test_letters_are_what_survives_respelling():
    assert letters("053.대용량 손글씨 OCR 데이터") == letters("대용량_손글씨-ocr 데이터") == "대용량손글씨ocr데이터"
    assert letters(unicodedata.normalize("NFD", "공공행정문서 OCR")) == "공공행정문서ocr"


@pytest.mark.parametrize("name", ["공공행정문서 OCR", "032.공공행정문서 OCR", "공공행정문서_ocr (2)"])
def test_a_set_is_found_by_the_letters_of_its_folder_at_most_one_below_the_root(tmp_path, name):
    share = Share(write_tree(tmp_path, {f"{name}/a": b"", f"묶음/{name}/a": b"", f"x/y/{name}/a": b""}))
    assert sorted(find_roots(share, source_partition("public_admin_train").dataset.folder)) == [name, f"묶음/{name}"]


def test_a_set_and_links_to_it_are_one(tmp_path):
    write_tree(tmp_path / "share", {f"disk/{ADMIN}/x.json": b"", "elsewhere/y.json": b""})
    (tmp_path / "elsewhere").mkdir()
    for name, place in {"a": "share/disk", f"a {ADMIN}": f"share/disk/{ADMIN}", f"b {ADMIN}": "elsewhere"}.items():
        (tmp_path / "share" / name).symlink_to(tmp_path / place)
    (tmp_path / "share" / f"c {ADMIN}").symlink_to(tmp_path / "elsewhere")
    folder = source_partition("public_admin_train").dataset.folder
    assert find_roots(Share(tmp_path / "share"), folder) == [f"b {ADMIN}", f"disk/{ADMIN}"]


def test_every_set_is_found_in_its_own_folder_only(faulty_collection):
    share = Share(faulty_collection.root)
    found = {key: find_roots(share, partition.dataset.folder) for key, partition in PARTITIONS.items()}
    assert all(len(roots) == 1 for roots in found.values())
    assert len({roots[0] for roots in found.values()}) == 5


@pytest.mark.parametrize(("kind", "name"), [("labels", "라벨링데이터/x.json"), ("pictures", "원천데이터/x.png")])
def test_files_of_a_split_that_nobody_knows_are_one_entry_that_says_so(tmp_path, kind, name):
    share = Share(write_tree(tmp_path, {f"{ADMIN}/Test/{name}": b"", f"{ADMIN}/Training/{name}": b""}))
    closed, sound = getattr(source_partition("public_admin_train"), kind)(share)
    assert (closed.shown, sound.shown) == (f"{ADMIN}/Test/{name.partition('/')[0]}", f"{ADMIN}/Training/{name}")
    assert closed.fault.startswith("1 ") and "1.Training" in closed.fault and not sound.fault


@pytest.mark.parametrize("key", ["handwriting_train", "handwriting_valid"])
def test_what_cannot_be_listed_above_the_splits_is_one_entry_that_says_so(tmp_path, key):
    share = Share(write_tree(tmp_path, {f"{HANDWRITING}/데이터.zip": b"PK, cut short"}))
    for found in (list(source_partition(key).labels(share)), list(source_partition(key).pictures(share))):
        assert names(found) == ["데이터.zip"] and found[0].fault


def test_public_admin_in_the_spellings_of_its_release(tmp_path):
    files = [
        f"{ADMIN}/Training/[라벨]train/01.라벨링데이터(Json)/인.허가/5350069/2011/t.json",
        f"{ADMIN}/Training/[원천]train1/02.원천데이터(jpg)/인.허가/5350069/2011/t.jpg",
        f"{ADMIN}/Training/[원천]train3/02.원천데이터(Jpg)/인.허가/5350069/2011/u.JPG",
        f"{ADMIN}/Training/[라벨]train_partly_labling/인.허가/p.json",
        f"{ADMIN}/Training/[원천]train_partly_labeling_02/2.원천데이터_부분라벨링/인.허가/p.jpg",
        f"{ADMIN}/Validation/[라벨]validation/01.라벨링데이터(Json)/v.json",
        f"{ADMIN}/Validation/[원천]validation/02.원천데이터(Jpg)/v.jpg",
    ]
    share = Share(write_tree(tmp_path, dict.fromkeys(files, b""), "NFD"))
    found = {
        split: (
            names(source_partition(f"public_admin_{split}").labels(share)),
            names(source_partition(f"public_admin_{split}").pictures(share)),
        )
        for split in ("train", "train_partly", "valid")
    }
    assert found == {
        "train": (["t.json"], ["t.jpg", "u.JPG"]),
        "train_partly": (["p.json"], ["p.jpg"]),
        "valid": (["v.json"], ["v.jpg"]),
    }


def test_validation_inside_the_training_data_of_handwriting_is_training(tmp_path):
    files = [
        f"{HANDWRITING}/1.Training/라벨링데이터/TL/라벨/HW-OCR/4.Validation/P.Paper/t.json",
        f"{HANDWRITING}/1.Training/원천데이터/TS5/HW-OCR/4.Validation/P.Paper/t.png",
        f"{HANDWRITING}/1.Training/원천데이터/TS5/HW-OCR/4.Validation/P.Paper/._t.png",
        f"{HANDWRITING}/2.Validation/라벨링데이터/VL/HW_OCR/4.Validation/v.json",
        f"{HANDWRITING}/2.Validation/원천데이터/VS/HW_OCR/4.Validation/v.png",
    ]
    share = Share(write_tree(tmp_path, dict.fromkeys(files, b"")))
    train, valid = source_partition("handwriting_train"), source_partition("handwriting_valid")
    assert (names(train.labels(share)), names(train.pictures(share))) == (["t.json"], ["t.png"])
    assert (names(valid.labels(share)), names(valid.pictures(share))) == (["v.json"], ["v.png"])


def test_finance_and_public_do_not_mix(tmp_path):
    files = [f"{FINANCE}/02.라벨링데이터/TL_금융/f.json", "023.OCR 데이터(공공)/x/Training/라벨/p.json"]
    share = Share(write_tree(tmp_path, dict.fromkeys(files, b"")))
    assert names(source_partition("finance_logistics_train").labels(share)) == ["f.json"]
    assert names(source_partition("ocr_public_train").labels(share)) == ["p.json"]


@pytest.mark.parametrize(
    "folder", ["01_textinthewild_goods_images_new/01_textinthewild_goods_images_new/Goods", "Singboard", "Traffic_Sign"]
)
@pytest.mark.parametrize("above", ["", "13.한국어글자체/"])
def test_text_in_the_wild_in_either_release(tmp_path, folder, above):
    root = f"{above}04. Text in the wild_230209_add"
    files = [f"{root}/textinthewild_data_info.json", f"{root}/notes.json", f"{root}/{folder}/A.jpg"]
    share = Share(write_tree(tmp_path, dict.fromkeys(files, b"")))
    partition = source_partition("text_in_wild")
    assert names(partition.labels(share)) == ["textinthewild_data_info.json"]
    assert names(partition.pictures(share)) == ["A.jpg"]


def test_folders_of_the_other_kind_and_split_are_not_listed(tmp_path, monkeypatch):
    share = Share(write_tree(tmp_path, dict.fromkeys([f"{FINANCE}/01.원천데이터/TS_1/a.png", f"{WILD}/b.jpg"], b"")))
    asked = []
    real = LocalFiles.contents
    monkeypatch.setattr(LocalFiles, "contents", lambda self, path: asked.append(path) or real(self, path))
    assert names(source_partition("finance_logistics_train").labels(share)) == []
    assert asked
    assert not [path for path in asked if "원천" in path]


@pytest.mark.parametrize("key", PARTITIONS)
def test_a_set_that_is_not_there_has_no_files(tmp_path, key):
    share = Share(write_tree(tmp_path, {"readme.txt": b"", "다른 데이터/Training/a.json": b""}))
    assert list(PARTITIONS[key].labels(share)) == list(PARTITIONS[key].pictures(share)) == []


def test_pictures_by_extension():
    assert all(map(is_picture, ("a.png", "a.JPEG", "가.b.Tif")))
    assert not any(map(is_picture, ("a.json", "a", "a.png.part1", "png.txt")))
