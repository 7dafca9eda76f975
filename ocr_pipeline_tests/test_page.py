from __future__ import annotations

import pickle

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, nfc, word_state


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
