from __future__ import annotations

import pytest

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.geometry import Margin
from ocr_pipeline.errors import PipelineError


def test_settings_from_the_guides_variables():
    read = AnnotationSettings.from_environment
    assert read({}) == AnnotationSettings("jsonl", None)
    assert read({}, output_format="lmdb") == AnnotationSettings("lmdb", None)
    assert read({"FAST_OUTPUT_FORMAT": "LMDB", "FAST_MAX_SAMPLES": "100"}) == AnnotationSettings("lmdb", 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAST_OUTPUT_FORMAT", "csv"),
        ("FAST_OUTPUT_FORMAT", ""),
        ("FAST_MAX_SAMPLES", "-1"),
        ("FAST_MAX_SAMPLES", "ten"),
        ("FAST_MAX_SAMPLES", "²"),
    ],
)
def test_values_that_the_guide_does_not_name_are_refused(name, value):
    with pytest.raises(PipelineError, match=name):
        AnnotationSettings.from_environment({name: value})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"crop": "circle"}, "box or quad"),
        ({"codec": "gif"}, "jpeg-lossless, png or webp"),
        ({"exif": "maybe"}, "ignore or apply"),
        ({"margin": "wide"}, "margin"),
        ({"margin": "-3"}, "margin"),
        ({"quality": 0}, "1 to 100"),
        ({"quality": 101}, "1 to 100"),
        ({"crop": "quad", "codec": "jpeg-lossless"}, "crop=box"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(wrong, words):
    with pytest.raises(PipelineError, match=words):
        AnnotationSettings(**wrong)


def test_a_margin_is_pixels_or_a_share():
    assert Margin.parse("4") == Margin(pixels=4)
    assert Margin.parse("12.5%") == Margin(share=0.125)
    assert Margin.parse("10%").around(80, 20) == 2


def test_a_character_set_is_recorded_by_its_content(tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("나가\n가", encoding="utf-8")
    second.write_text("가 나", encoding="utf-8")
    recorded = AnnotationSettings(charset=first).recorded()
    assert recorded == AnnotationSettings(charset=second).recorded()
    assert recorded["charset"] == "가나"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\x00"])
def test_a_character_set_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "charset.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PipelineError, match="character set"):
        AnnotationSettings(charset=path).text_filter()
