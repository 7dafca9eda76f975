import numpy as np

from ocr_pipeline.data.layout_lmdb.engines.detections import decode_detections, model_input

NO_ORDER = np.zeros((8, 8), np.float32)


def logits(*scores: tuple[int, float], classes: int = 3) -> np.ndarray:
    """One row for each (class, score), all other classes near nothing."""
    rows = np.full((len(scores), classes), -9.0, np.float32)
    for row, (label, score) in zip(rows, scores, strict=True):
        row[label] = np.log(score / (1 - score))
    return rows


def decode(scores, centred, order=NO_ORDER, ordered_from=0.0, size=(200, 100)):
    count = len(scores)
    thresholds = np.full(scores.shape[1], ordered_from, np.float32)
    return decode_detections(scores, np.array(centred, np.float32), order[:count, :count], thresholds, size)


def test_boxes_come_in_pixels_and_stay_on_the_page():
    found = decode(logits((1, 0.9), (2, 0.8)), [(0.5, 0.5, 0.2, 0.4), (0.0, 1.0, 0.5, 0.5)])
    np.testing.assert_allclose(found.boxes, [(80, 30, 120, 70), (0, 75, 50, 100)], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.9, 0.8], atol=1e-6)
    assert found.labels.tolist() == [1, 2]


def test_low_scores_empty_boxes_and_the_same_box_again_are_left_out():
    box = (0.5, 0.5, 0.2, 0.4)
    scores = logits((0, 0.6), (1, 0.9), (2, 0.09), (0, 0.9), (0, 0.5))
    centred = [box, (0.501, 0.5, 0.2, 0.4), (0.2, 0.2, 0.1, 0.1), (1.5, 0.5, 0.2, 0.2), (0.55, 0.5, 0.2, 0.4)]
    found = decode(scores, centred)
    best = np.argsort(-found.scores)
    assert found.labels[best].tolist() == [1, 0]
    np.testing.assert_allclose(found.scores[best], [0.9, 0.5], atol=1e-6)


def test_reading_order_counts_what_is_read_before():
    count, truth = 6, [3, 0, 5, 1, 4, 2]  # place of each query
    order = np.full((count, count), -1e4, np.float32)
    for first in range(count):
        for second in range(first + 1, count):
            order[first, second] = 4.0 if truth[first] < truth[second] else -4.0
    centred = [(0.1 + 0.15 * query, 0.5, 0.1, 0.1) for query in range(count)]
    found = decode(logits(*[(0, 0.5 + query / 20) for query in range(count)]), centred, order)
    queries = np.rint((found.scores - 0.5) * 20).astype(int)
    assert [truth[query] for query in queries] == list(range(count))


def test_what_the_model_did_not_place_follows_from_top_to_bottom():
    scores = logits((0, 0.2), (0, 0.9), (0, 0.3))
    found = decode(scores, [(0.5, 0.6, 0.1, 0.1), (0.5, 0.9, 0.1, 0.1), (0.5, 0.1, 0.1, 0.1)], ordered_from=0.5)
    np.testing.assert_allclose(found.scores, [0.9, 0.3, 0.2], atol=1e-6)


def test_the_model_sees_rgb_of_a_fixed_size():
    blue = np.zeros((50, 30, 3), np.uint8)
    blue[..., 0] = 200
    seen = model_input(blue, (16, 8))
    assert seen.shape == (8, 16, 3) and seen[4, 4].tolist() == [0, 0, 200]
