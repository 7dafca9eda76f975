import unicodedata

import pytest

from ocr_pipeline.evaluation import recognition_scores


def test_hand_counted_pair():
    scores = recognition_scores(["대한민국 만세", "1,000원"], ["대한민국만세", "1,00원"])
    assert scores.count == 2
    assert scores.cer == pytest.approx(2 / 13)  # one space, one digit
    assert scores.cer_no_spaces == pytest.approx(1 / 12)
    assert scores.wer == pytest.approx(3 / 3)  # two words became one, and one word is wrong
    assert scores.one_minus_ned == pytest.approx(((1 - 1 / 7) + (1 - 1 / 6)) / 2)
    assert scores.exact == 0


def test_jamo_and_syllables_are_the_same_text():
    scores = recognition_scores(["한국어"], [unicodedata.normalize("NFD", "한국어")])
    assert (scores.cer, scores.one_minus_ned, scores.exact) == (0, 1, 1)


def test_error_rate_is_of_the_whole_set_not_a_mean_of_rates():
    scores = recognition_scores(["가", "나다라마바사아자차"], ["하", "나다라마바사아자차"])
    assert scores.cer == pytest.approx(1 / 10)


def test_empty_texts():
    assert recognition_scores([""], [""]).cer == 0
    assert recognition_scores([""], [""]).one_minus_ned == 1
    assert recognition_scores([""], ["가"]).cer == 1
    assert recognition_scores(["가"], [""]).cer == 1


def test_cer_can_exceed_one():
    assert recognition_scores(["가"], ["나다라"]).cer == 3


def test_uneven_or_empty_sides_are_refused():
    with pytest.raises(ValueError):
        recognition_scores(["가"], [])
    with pytest.raises(ValueError):
        recognition_scores([], [])
