from __future__ import annotations

import random
from unicodedata import normalize

import pytest

from ocr_pipeline.evaluation import DetectionScore, SpottedWord, is_same_text, score_end_to_end
from ocr_pipeline.evaluation.end_to_end import FOLDS

Box = tuple[int, int, int, int]


def word(box: Box, text: str) -> SpottedWord:
    left, top, right, bottom = box
    return SpottedWord([(left, top), (right, top), (right, bottom), (left, bottom)], text)


def hits(found: list[tuple[Box, str]], truths: list[tuple[Box, str]]) -> tuple[int, int, int]:
    score = score_end_to_end([[word(*each) for each in found]], [[word(*each) for each in truths]])
    return score.matched, score.detections, score.words


WHOLE: Box = (0, 0, 100, 20)


def test_half_an_intersection_over_union_is_no_hit():
    assert hits([((0, 0, 50, 20), "가")], [(WHOLE, "가")]) == (0, 1, 1)
    assert hits([((0, 0, 51, 20), "가")], [(WHOLE, "가")]) == (1, 1, 1)


def test_a_wrong_text_first_uses_the_word_up():
    assert hits([(WHOLE, "나"), (WHOLE, "가")], [(WHOLE, "가")]) == (0, 2, 1)
    assert hits([(WHOLE, "가"), (WHOLE, "나")], [(WHOLE, "가")]) == (1, 2, 1)


@pytest.mark.parametrize("said", ["(가)", "가)", "(가", "가"])
def test_a_sign_at_either_end_of_the_truth_may_be_missing(said: str):
    assert is_same_text("(가)", said)


@pytest.mark.parametrize(
    ("truth", "said"), [("가", "(가)"), ("((가", "가"), ("가나", "가"), ("「가", "가"), ("가ㆍ", "가"), ("가", "")]
)
def test_nothing_else_may_be_missing_or_more(truth: str, said: str):
    assert not is_same_text(truth, said)


def test_case_does_not_matter_and_a_lone_sign_may_be_left_out():
    assert is_same_text("Ab", "aB")
    assert is_same_text("·가", "가")
    assert is_same_text("(", "")


def test_a_detection_with_exactly_half_in_an_ignored_word_counts():
    assert hits([((50, 0, 150, 20), "가")], [(WHOLE, "###")]) == (0, 1, 0)
    assert hits([((49, 0, 149, 20), "가")], [(WHOLE, "###")]) == (0, 0, 0)


def test_only_ignored_words_and_an_empty_text_is_one():
    assert hits([(WHOLE, "가")], [(WHOLE, "###")]) == (0, 0, 0)
    assert hits([(WHOLE, "가")], [(WHOLE, "")]) == (0, 0, 0)
    assert score_end_to_end([[]], [[]]) == DetectionScore(0.0, 0.0, 0.0, 0, 0, 0)


def test_coordinates_are_cut_to_whole_numbers():
    assert hits([((0, 0, 50.9, 20.9), "가")], [(WHOLE, "가")]) == (0, 1, 1)  # type: ignore[list-item]


def test_pages_are_summed_before_they_are_divided():
    truths = [[word(WHOLE, "가")], [word(WHOLE, "나"), word((0, 40, 100, 60), "다")]]
    score = score_end_to_end([[word(WHOLE, "가")], [word(WHOLE, "x")]], truths)
    assert (score.precision, score.recall, score.hmean) == pytest.approx((1 / 2, 1 / 3, 0.4))


def test_what_is_folded_is_folded_on_both_sides():
    truths = [[word(WHOLE, "제 ①조")]]
    found = [[word(WHOLE, "제1조")]]
    by_fold = {name: score_end_to_end(found, truths, fold).matched for name, fold in FOLDS.items()}
    assert by_fold == {"as it is": 0, "without spaces": 0, "NFKC": 0, "NFKC without spaces": 1}
    assert score_end_to_end([[word(WHOLE, normalize("NFD", "한글"))]], [[word(WHOLE, "한글")]]).matched == 1


def plainly(found: list[tuple[Box, str]], truths: list[tuple[Box, str]]) -> tuple[int, int, int]:
    """The rules once more, for upright boxes, one after the other and without any geometry library."""

    def area(box: Box) -> int:
        return max(0, box[2] - box[0]) * max(0, box[3] - box[1])

    def shared(one: Box, other: Box) -> int:
        return area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))

    ignored = [box for box, text in truths if text == "###"]
    cared = [(box, text) for box, text in truths if text != "###"]
    counting = [(box, text) for box, text in found if not any(2 * shared(box, area_) > area(box) for area_ in ignored)]
    used, right = set[int](), 0
    for box, text in cared:
        for number, (other, said) in enumerate(counting):
            union = area(box) + area(other) - shared(box, other)
            if number not in used and 2 * shared(box, other) > union:
                used.add(number)
                right += equal(text.upper(), said.upper())
                break
    return right, len(counting), len(cared)


def equal(truth: str, said: str) -> bool:
    signs = "!?.:,*\"()·[]/'"
    if truth == said:
        return True
    if truth[0] in signs and truth[1:] == said:
        return True
    if truth[-1] in signs and truth[:-1] == said:
        return True
    return truth[0] in signs and truth[-1] in signs and truth[1:-1] == said


def test_random_pages_score_as_by_a_plain_restatement():
    rng = random.Random(3)
    texts = ["가", "나", "(가)", "가.", "Ab", "AB", "·", "###"]

    def boxes(count: int) -> list[tuple[Box, str]]:
        corners = [(rng.randrange(0, 60, 4), rng.randrange(0, 24, 4)) for _ in range(count)]
        sizes = [(rng.randrange(8, 40, 4), rng.randrange(8, 20, 4)) for _ in range(count)]
        return [
            ((x, y, x + wide, y + high), rng.choice(texts)) for (x, y), (wide, high) in zip(corners, sizes, strict=True)
        ]

    total = 0
    for _ in range(1500):
        truths = boxes(rng.randrange(8))
        found = [each for each in truths if rng.random() < 0.5] + boxes(rng.randrange(6))
        rng.shuffle(found)
        found = [(box, "x" if text == "###" else text) for box, text in found]
        expected = plainly(found, truths)
        assert hits(found, truths) == expected
        total += expected[0]
    assert total > 1000
