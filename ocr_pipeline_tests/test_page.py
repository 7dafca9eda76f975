from __future__ import annotations

import pickle

import msgspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, Quarantined, Word, nfc, word_state


@pytest.mark.parametrize(
    ("image", "stem"),
    [
        ("a.png", "a"),
        ("a.JPG", "a"),
        ("5350178-1999.0001.jpg", "5350178-1999.0001"),
        ("no_extension", "no_extension"),
        ("인.허가", "인.허가"),
        (".png", ".png"),
    ],
)
def test_the_stem_loses_only_picture_extensions(image, stem):
    assert Page("handwriting", "train", image, 1, 1, "a.json").stem == stem


@pytest.mark.parametrize("text", [None, "", "  ", "###", "xxx", " xxx "])
def test_text_that_cannot_be_read_is_ignored(text):
    assert word_state(text) == "ignore"


@pytest.mark.parametrize("text", ["가", "xxxx", "#", "ㅇ_ㅇ", "XXX"])
def test_legible_text_is_learnt_from(text):
    assert word_state(text) == "ok"


def test_a_word_may_be_ignored_whatever_its_text():
    assert word_state("가", ignored=True) == "ignore"


def test_names_are_composed():
    assert nfc("\u1100\u1161") == "가"


def test_the_mendable_error_crosses_processes_with_its_remedy():
    error = pickle.loads(pickle.dumps(PipelineError("no space", where="/disk", remedy="Free some.")))  # noqa: S301
    assert str(error) == "no space: /disk. Free some."
    assert (error.what, error.where, error.remedy) == ("no space", "/disk", "Free some.")


def test_a_page_is_set_aside_with_its_words_and_a_word_with_its_record() -> None:
    word = Word(3, "가", ((0, 0), (2, 0), (2, 1), (0, 1)))
    page = Page("handwriting", "train", "a.png", 10, 20, "labels/a.json", (word,))
    where = ("handwriting", "train", "labels/a.json", "a.png")
    assert page.set_aside("image_missing", "why") == Quarantined("page", "image_missing", *where, None, "why", 1)
    assert page.set_aside("no_words_left", "why", words=0).words == 0
    aside = word.set_aside(page, "word_outside", "why")
    assert aside == Quarantined("word", "word_outside", *where, 3, "why", raw=aside.raw)
    assert msgspec.json.decode(aside.raw, type=Word) == word
    assert word.set_aside(page, "word_ignored", "why", {"text": None}).raw == '{"text":null}'
