from __future__ import annotations

import unicodedata

import pytest

from ocr_pipeline.data.lookup import Lookup
from ocr_pipeline.data.lookup.names import folder_key, stem_of
from ocr_pipeline.page import Page, Quarantined, Word

QUAD = ((0, 0), (1, 0), (1, 1), (0, 1))


def find(paths: dict[str, str], image: str, label: str = "TL/x.json") -> str | Quarantined:
    words = (Word(0, "가", QUAD), Word(1, "나", QUAD))
    return Lookup(paths).find(Page("handwriting", "train", image, 1, 1, label, words))


@pytest.mark.parametrize("image", ["a.png", "a.jpg", "a", "A.PNG", "A.jpeg", "A"])
def test_a_picture_is_found_whatever_the_case_and_extension(image):
    assert find({"b.png": "/b.png", "a.png": "/x/a.png"}, image) == "/x/a.png"


def test_the_exact_name_comes_before_its_likes():
    paths = {"a.jpg": "/1", "A.png": "/2", "a.png": "/3"}
    assert find(paths, "a.png") == "/3"
    assert find(paths, "A.png") == "/2"


def test_names_are_compared_composed():
    assert find({"글자.png": "/disk/" + unicodedata.normalize("NFD", "글자.png")}, "글자.jpg").startswith("/disk/")
    decomposed = {unicodedata.normalize("NFD", "글자.png"): "/earlier.png"}
    assert find(decomposed, "글자.png") == "/earlier.png"


@pytest.mark.parametrize("image", ["a", "a.png", "IMG_1.png", "bc.png", "ab.png.png", ""])
def test_a_part_of_a_name_is_not_the_name(image):
    missing = find({"ab.png": "/ab.png", "IMG_10.png": "/IMG_10.png", "abc.png": "/abc.png"}, image)
    assert isinstance(missing, Quarantined)
    assert (missing.unit, missing.reason, missing.words) == ("page", "image_missing", 2)
    assert (missing.dataset, missing.split, missing.label, missing.image) == (
        "handwriting",
        "train",
        "TL/x.json",
        image,
    )


TWICE = {
    "가/01.원천데이터/TS_금융_1/n.png": "/share/TS1/n.png",
    "가/01.원천데이터/TS_금융_2/n.png": "/share/TS2/n.png",
}


@pytest.mark.parametrize("image", ["n.png", "n", "N.jpg"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_name_in_two_folders_is_told_by_the_folder_of_the_label(image, number):
    assert find(TWICE, image, f"가/02.라벨링데이터/TL_금융_{number}/n.json") == f"/share/TS{number}/n.png"


@pytest.mark.parametrize(
    "label", ["가/02.라벨링데이터/TL_금융_3/n.json", "나/02.라벨링데이터/TL_금융_1/n.json", "n.json"]
)
def test_what_the_folder_does_not_tell_is_reported_with_the_folders(label):
    aside = find(TWICE, "n.png", label)
    assert isinstance(aside, Quarantined)
    assert (aside.reason, aside.words) == ("picture_ambiguous", 2)
    assert "TS_금융_1" in aside.detail
    assert "TS_금융_2" in aside.detail


def test_two_folders_that_both_mirror_the_label_are_reported():
    paths = {f"가/[원천]train{number}/02.원천데이터(jpg)/인.허가/n.jpg": f"/{number}" for number in (1, 2)}
    aside = find(paths, "n.jpg", "가/[라벨]train/01.라벨링데이터(Json)/인.허가/n.json")
    assert isinstance(aside, Quarantined)
    assert aside.reason == "picture_ambiguous"


def test_a_name_in_two_folders_does_not_give_way_to_another_extension():
    aside = find({**TWICE, "n.jpg": "/share/other/n.jpg"}, "n.png", "elsewhere/n.json")
    assert isinstance(aside, Quarantined)
    assert aside.reason == "picture_ambiguous"


def test_names_that_differ_only_in_case_are_ambiguous_unless_exact():
    aside = find({"A.png": "/1", "a.png": "/2"}, "a.jpg")
    assert isinstance(aside, Quarantined)
    assert aside.reason == "picture_ambiguous"


def test_earlier_lookups_list_each_picture_also_without_extension():
    assert find({"a.png": "/a.png", "a": "/a.png"}, "A.jpg") == "/a.png"


def test_an_empty_lookup_finds_nothing():
    assert isinstance(find({}, "a.png"), Quarantined)


@pytest.mark.parametrize(
    ("label", "picture"),
    [
        ("가/Training/02.라벨링데이터/TL_금융", "가/Training/01.원천데이터/TS_금융"),
        (
            "가/Training/[라벨]train/01.라벨링데이터(Json)/인.허가",
            "가/Training/[원천]train1/02.원천데이터(jpg)/인.허가",
        ),
        ("가/VL_1", unicodedata.normalize("NFD", "가/VS_1")),
        ("가/X", "가/x"),
    ],
)
def test_folders_of_a_label_and_its_picture_agree(label, picture):
    assert folder_key(label) == folder_key(picture)


def test_folders_of_other_archives_do_not_agree():
    keys = {folder_key(folder) for folder in ("가/TL_1", "가/VL_1", "가/TL_2", "나/TL_1", "가/TLS_1")}
    assert len(keys) == 5


def test_stems():
    assert [stem_of(name) for name in ("A.PNG", "a.b.jpg", "a.json", ".png")] == ["a", "a.b", "a.json", ".png"]
