import numpy as np

from ocr_pipeline.data.layout_lmdb.assignment import assign_words, reading_lines


def boxes(*rows) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 4)


def test_a_word_belongs_to_the_region_that_holds_most_of_it():
    regions = boxes((0, 0, 50, 50), (40, 0, 100, 50))
    words = boxes((10, 10, 20, 20), (38, 10, 48, 20), (0, 45, 10, 55), (0, 46, 10, 56), (200, 0, 210, 10))
    assert assign_words(words, regions).tolist() == [0, 0, 0, -1, -1]


def test_of_two_regions_around_a_word_the_smaller_holds_it():
    table, cell = (0, 0, 100, 100), (10, 10, 40, 40)
    word = boxes((15, 15, 25, 25))
    assert assign_words(word, boxes(table, cell)).tolist() == [1]
    assert assign_words(word, boxes(cell, table)).tolist() == [0]


def test_nothing_to_assign():
    assert assign_words(boxes(), boxes((0, 0, 1, 1))).shape == (0,)
    assert assign_words(boxes((0, 0, 1, 1), (0, 0, 0, 0)), boxes()).tolist() == [-1, -1]
    assert assign_words(boxes((5, 5, 5, 5)), boxes((0, 0, 9, 9))).tolist() == [-1]
    assert reading_lines(boxes(), [], np.zeros(4)) == []


def test_lines_run_down_and_words_to_the_right_whatever_their_order():
    words = boxes((60, 0, 90, 20), (0, 3, 50, 23), (0, 30, 40, 50), (45, 27, 90, 47))
    region = np.array([0, 0, 100, 60.0])
    assert reading_lines(words, ["낱말"] * 4, region) == [[1, 0], [2, 3]]
    shuffled = [3, 0, 2, 1]
    lines = reading_lines(words[shuffled], ["낱말"] * 4, region)
    assert [[shuffled[word] for word in line] for line in lines] == [[1, 0], [2, 3]]


def test_words_that_run_down_stand_in_columns_from_right_to_left():
    columns = boxes((0, 0, 10, 30), (0, 35, 10, 60), (15, 0, 25, 30), (15, 35, 25, 60))
    wide_region, texts = np.array([0, 0, 70, 60.0]), ["세로", "쓰기", "오른쪽", "먼저"]
    assert reading_lines(columns, texts, wide_region) == [[2, 3], [0, 1]]
    digits = ["1", "2", "3", "4"]  # as tall, but they say nothing of the direction
    assert reading_lines(columns, digits, wide_region) == [[0, 2], [1, 3]]


def test_single_letters_run_down_in_a_tall_region():
    letters = boxes((0, 0, 10, 10), (1, 20, 11, 30), (0, 40, 10, 50))
    assert reading_lines(letters, ["제", "목", "란"], np.array([0, 0, 11, 50.0])) == [[0, 1, 2]]
    words = boxes((0, 0, 12, 10), (13, 0, 25, 10), (0, 20, 12, 30), (13, 20, 25, 30))
    assert reading_lines(words, ["가로", "쓰기", "위", "먼저"], np.array([0, 0, 25, 60.0])) == [[0, 1], [2, 3]]
