import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb import LayoutWord, Region, draw_record
from ocr_pipeline_tests.data.layout_lmdb.making import picture, record, rectangle

WORD = LayoutWord(rectangle(10, 10, 30, 20), "글", region=0)


def region(label: str, score: float, box, words=()) -> Region:
    return Region(label, score, box, 0, words=words)


def test_text_without_a_labelled_word_is_an_ignore_box():
    whole = record(
        (WORD,),
        regions=(
            region("text", 0.9, (5.0, 5.0, 40.0, 25.0), (0,)),
            region("text", 0.8, (50.0, 5.0, 90.0, 25.0)),
            region("image", 0.9, (50.0, 30.0, 60.0, 40.0)),
            region("text", 0.4, (50.0, 50.0, 60.0, 60.0)),
            region("table", 0.4, (70.0, 50.0, 90.0, 60.0)),
        ),
    )
    assert whole.ignore_boxes() == [(50, 5, 90, 25)]
    assert whole.ignore_boxes(0.3) == [(50, 5, 90, 25), (50, 50, 60, 60), (70, 50, 90, 60)]
    assert whole.ignore_boxes(0.5, table_threshold=0.3) == [(50, 5, 90, 25), (70, 50, 90, 60)]
    assert whole.ignore_boxes(0.8) == []


def test_a_region_that_would_hide_part_of_a_word_is_no_ignore_box():
    hides = region("text", 0.9, (27.0, 10.0, 60.0, 20.0))  # 15 % of the word
    touches = region("text", 0.9, (29.0, 10.0, 60.0, 20.0))  # 5 %
    assert record((WORD,), regions=(hides, touches)).ignore_boxes() == [(31, 10, 60, 20)]  # clear of the word


def test_a_region_on_a_stroke_of_a_word_is_no_ignore_box():
    stroke = region("text", 0.9, (12.0, 15.0, 15.0, 18.0))  # 4 % of the word, and nothing beside it
    assert record((WORD,), regions=(stroke,)).ignore_boxes() == []


def test_an_ignore_box_is_clear_of_all_words_around_it():
    around = tuple(
        LayoutWord(rectangle(*box), "글")
        for box in ((0, 20, 41, 40), (79, 20, 120, 40), (40, 0, 80, 21), (40, 39, 80, 80))
    )
    between = region("text", 0.9, (40.0, 20.0, 80.0, 40.0))
    assert record(around, regions=(between,)).ignore_boxes() == [(42, 22, 78, 38)]


def test_where_every_word_is_labelled_nothing_is_ignored():
    printed = region("text", 0.9, (50.0, 5.0, 90.0, 25.0))
    forms = record(regions=(printed,))
    assert forms.ignore_boxes() == [printed.box]
    assert msgspec.structs.replace(forms, dataset="finance_logistics").ignore_boxes() == [printed.box]
    assert msgspec.structs.replace(forms, dataset="ocr_public").ignore_boxes() == []


def test_drawing_shows_words_regions_and_ignored_areas():
    words = (WORD, LayoutWord(rectangle(60, 50, 80, 60), "", "ignore"))
    whole = record(words, regions=(region("text", 0.9, (90.0, 5.0, 110.0, 25.0)),))
    plain, drawn = draw_record(picture(), record()), draw_record(picture(), whole)
    assert drawn.shape == plain.shape == (80, 120, 3)
    np.testing.assert_allclose(drawn[10, 20], [0, 160, 0], atol=12)  # lines are smoothed
    np.testing.assert_allclose(drawn[50, 70], [120, 120, 120], atol=12)
    assert (drawn[22, 108] != plain[22, 108]).any()
    assert (drawn[70, 20] == plain[70, 20]).all()
