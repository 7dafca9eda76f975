from __future__ import annotations

from ocr_pipeline.training.readers import Concatenated


def test_samples_are_counted_through_all_readers_and_empty_ones_hold_none():
    readers = ["", "ab", "", "c", ""]
    row = Concatenated(readers)
    assert len(row) == 3
    assert [row.place(index) for index in range(3)] == [("ab", 0), ("ab", 1), ("c", 0)]
    assert row.starts == [0, 0, 2, 2, 3]


def test_no_reader_is_no_sample():
    assert len(Concatenated([])) == 0
