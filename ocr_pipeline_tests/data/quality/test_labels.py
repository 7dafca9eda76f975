from __future__ import annotations

import unicodedata

import pytest

from ocr_pipeline.data.quality.labels import KINDS, character_groups, suspicions
from ocr_pipeline.data.synthetic.vocabulary import EMOTICONS
from ocr_pipeline.page import nfc


def kinds(raw: str, dataset: str = "public_admin") -> set[str]:
    text = nfc(raw)
    return set(suspicions(text, raw if raw != text else None, dataset))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("김해를", set()),
        ("INV-01 (A4), 3.5%", set()),
        ("韓國", set()),
        ("ㄱ", set()),
        ("ㅇ추진배경", set()),
        ("국ㅇㄴ", {"split_jamo"}),
        ("ㅎㅏㄴ글", {"split_jamo"}),
        ("한\u1100", {"split_jamo"}),
        (unicodedata.normalize("NFD", "한글"), {"not_nfc"}),
        ("\uf92c", {"not_nfc", "compatibility"}),
        ("25㎡", {"compatibility"}),
        ("①항", {"compatibility"}),
        ("ＡＢ", {"compatibility"}),
        ("\ue000값", {"private_use"}),
        ("\U000f0000", {"private_use"}),
        ("가\u200b나", {"unprintable"}),
        ("가\ufffd", {"unprintable"}),
        ("가\x07", {"unprintable"}),
        ("é", set()),
        ("", set()),
    ],
)
def test_each_label_is_suspected_of_what_it_has(label, expected):
    assert kinds(label) == expected
    assert expected <= set(KINDS)


def test_jamo_hanja_and_ascii_art_are_at_home_in_handwriting():
    for label in (*EMOTICONS, "국ㅇㄴ", "郎", "ㅎㅏ"):
        assert kinds(label, "handwriting") == set(), label
    assert kinds("ㅇ_ㅇ") == set()


def test_characters_are_counted_by_script():
    groups = character_groups({"가": 3, "ㅋ": 2, "韓": 4, "A": 1, "7": 5, "!": 6, "□": 7, "é": 8})
    assert groups == {
        "Hangul": 3, "jamo": 2, "Hanja": 4, "Latin": 9, "digits": 5, "ASCII signs": 6, "other": 7,
    }  # fmt: skip
