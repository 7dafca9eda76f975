from __future__ import annotations

import pytest

from ocr_pipeline.evaluation import DetectionScore, Truth, score_detections


def box(x: float, y: float, wide: float, high: float) -> list[tuple[float, float]]:
    return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


def test_precision_recall_and_hmean_over_two_pictures():
    truths = [[Truth(box(0, 0, 10, 10)), Truth(box(20, 0, 10, 10))], [Truth(box(0, 0, 10, 10))]]
    found = [[box(1, 0, 10, 10)], [box(0, 0, 10, 10), box(50, 50, 5, 5)]]
    score = score_detections(found, truths)
    assert score == DetectionScore(pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 2, 3, 3)


def test_half_an_intersection_over_union_is_no_match():
    truths = [[Truth(box(0, 0, 10, 10))]]
    assert score_detections([[box(0, 0, 10, 5)]], truths).matched == 0
    assert score_detections([[box(0, 0, 10, 5.01)]], truths).matched == 1


def test_a_detection_in_an_ignored_word_does_not_count():
    truths = [[Truth(box(0, 0, 10, 10), ignore=True), Truth(box(50, 0, 10, 10))]]
    score = score_detections([[box(0, 0, 10, 10), box(1, 1, 3, 3), box(50, 0, 10, 10)]], truths)
    assert (score.matched, score.detections, score.words, score.hmean) == (1, 1, 1, 1.0)


def test_a_detection_half_in_an_ignored_word_counts():
    truths = [[Truth(box(0, 0, 10, 10), ignore=True)]]
    assert score_detections([[box(5, 0, 10, 10)]], truths).detections == 1
    assert score_detections([[box(4.9, 0, 10, 10)]], truths).detections == 0


def test_two_ignored_words_do_not_add_up():
    truths = [[Truth(box(0, 0, 4, 10), ignore=True), Truth(box(6, 0, 4, 10), ignore=True)]]
    assert score_detections([[box(0, 0, 10, 10)]], truths).detections == 1


def test_one_detection_matches_one_word_and_the_first_that_fits_wins():
    truths = [[Truth(box(0, 0, 10, 10)), Truth(box(1, 0, 10, 10))]]
    assert score_detections([[box(0, 0, 10, 10)]], truths).matched == 1
    greedy = score_detections([[box(1, 0, 10, 10), box(3.5, 0, 10, 10)]], truths)
    assert greedy.matched == 2  # the second detection (IoU with the second word 0.6) is left for it
    stolen = score_detections([[box(1, 0, 10, 10), box(-3, 0, 10, 10)]], truths)
    assert stolen.matched == 1  # the first word takes the only detection that would fit the second


def test_nothing_found_and_nothing_there():
    truths = [[Truth(box(0, 0, 10, 10))]]
    assert score_detections([[]], truths) == DetectionScore(0.0, 0.0, 0.0, 0, 0, 1)
    assert score_detections([[box(0, 0, 10, 10)]], [[]]) == DetectionScore(0.0, 0.0, 0.0, 0, 1, 0)
    assert score_detections([], []) == DetectionScore(0.0, 0.0, 0.0, 0, 0, 0)


def test_polygons_that_cross_themselves_are_repaired():
    bow_tie = [(0, 0), (10, 10), (10, 0), (0, 10)]
    assert score_detections([[bow_tie]], [[Truth(bow_tie)]]).matched == 1
    assert score_detections([[box(0, 0, 10, 10)]], [[Truth(bow_tie)]]).matched == 0  # half its area


def test_polygons_without_area_match_nothing():
    line = [(0, 0), (5, 5), (10, 10), (5, 5)]
    assert score_detections([[line, [(3, 3)] * 4]], [[Truth(line)]]).matched == 0


def test_rotated_words_are_compared_as_polygons():
    diamond = [(10, 0), (20, 10), (10, 20), (0, 10)]
    assert score_detections([[diamond]], [[Truth(diamond)]]).hmean == 1.0
    assert score_detections([[box(0, 0, 20, 20)]], [[Truth(diamond)]]).matched == 0


def test_the_numbers_of_pictures_must_agree():
    with pytest.raises(ValueError):
        score_detections([[]], [])
