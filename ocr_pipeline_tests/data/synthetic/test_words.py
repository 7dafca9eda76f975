from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from PIL import ImageFont

from ocr_pipeline.data.synthetic import KoreanWords, font_path, vocabulary

KINDS = ("administration", "finance", "logistics", "sign", "goods", "book", "handwriting")
LISTS = {name: words for name, words in vars(vocabulary).items() if name.isupper()}


def test_same_seed_same_words():
    first, second = KoreanWords(np.random.default_rng(3)), KoreanWords(np.random.default_rng(3))
    assert [first.handwriting() for _ in range(50)] == [second.handwriting() for _ in range(50)]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_clean(kind):
    words = KoreanWords(np.random.default_rng(0))
    drawn = [getattr(words, kind)() for _ in range(400)]
    assert all(word and not re.search(r"\s", word) and word == unicodedata.normalize("NFC", word) for word in drawn)
    assert len(set(drawn)) > 60


def test_handwriting_holds_every_kind():
    words = KoreanWords(np.random.default_rng(0))
    letters = {letter for _ in range(600) for letter in words.handwriting()}
    ranges = {"syllable": "가힣", "jamo": "ㄱㅣ", "hanja": "一龥", "latin": "az", "digit": "09"}
    assert {name for name, (low, high) in ranges.items() if any(low <= x <= high for x in letters)} == set(ranges)


def test_forms_of_numbers():
    words = KoreanWords(np.random.default_rng(0))
    for _ in range(100):
        assert re.fullmatch(r"\d{1,3}(,\d{3})*(원|천원)?", words.amount())
        assert re.fullmatch(r"\d{2,3}-\d{4}-\d{4}", words.phone())
        assert re.fullmatch(r"\d+(kg|g|ml|L|개|매|상자)", words.contents())


def test_vocabulary_is_large_and_free_of_doubles():
    assert sum(map(len, LISTS.values())) > 1000
    assert all(len(set(words)) == len(words) for words in LISTS.values())


@pytest.mark.parametrize("font", ["sans", "serif"])
def test_fonts_have_every_letter(font):
    face = ImageFont.truetype(str(font_path(font)), 24)
    missing = bytes(face.getmask("\U0010fffd"))  # a private code point: drawn as the box for missing letters
    words = KoreanWords(np.random.default_rng(0))
    letters = {letter for listed in LISTS.values() for word in listed for letter in word}
    letters |= {letter for _ in range(300) for letter in words.nonsense()} | set("0123456789,.-()")
    assert missing
    assert [letter for letter in sorted(letters) if bytes(face.getmask(letter)) == missing] == []
