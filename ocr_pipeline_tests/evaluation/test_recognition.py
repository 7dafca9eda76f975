import unicodedata

import pytest

from ocr_pipeline.evaluation import recognition_scores, scores_by_group


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


def test_folded_and_jamo_rates():
    scores = recognition_scores(["㈜감자", "1㎡"], ["(주)간자", "1m2"])
    assert scores.cer_nfkc == pytest.approx(1 / 8)  # (주)감자 and 1m2: one syllable is wrong
    assert scores.cer > 0.5
    assert recognition_scores(["감자"], ["간자"]).cer == 0.5
    assert recognition_scores(["감자"], ["간자"]).cer_jamo == pytest.approx(1 / 5)


def test_the_interval_holds_the_rate_and_narrows_with_more_texts():
    few = recognition_scores(["가나다"] * 10, ["가나다", "가나"] * 5)
    many = recognition_scores(["가나다"] * 1000, ["가나다", "가나"] * 500)
    for scores in (few, many):
        assert scores.cer_low <= scores.cer <= scores.cer_high
    assert many.cer_high - many.cer_low < 0.3 * (few.cer_high - few.cer_low)
    perfect = recognition_scores(["가"] * 5, ["가"] * 5)
    assert (perfect.cer_low, perfect.cer_high) == (0, 0)


def test_scores_by_group():
    texts = ["가", "가나다라마바", "가" * 30, "나"]
    groups = scores_by_group(texts, ["나", *texts[1:]], ["b", "a", "a", "a"])
    assert list(groups) == ["all", "source a", "source b", "length 0-5", "length 6-10", "length 21+"]
    assert [scores.count for scores in groups.values()] == [4, 3, 1, 2, 1, 1]
    assert (groups["source a"].cer, groups["source b"].cer, groups["length 0-5"].cer) == (0, 1, 0.5)
