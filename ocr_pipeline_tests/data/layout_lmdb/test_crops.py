import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import (
    Cell,
    Detections,
    Engines,
    LayoutReader,
    LayoutSettings,
    LayoutWord,
    Region,
)
from ocr_pipeline.data.layout_lmdb.cells import MAX_SIDE, CutTables, Tables
from ocr_pipeline.data.layout_lmdb.crops import crops_of
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.pictures import MOST_PIXELS, decode_picture
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, Share, page, picture, publish, record, rectangle

TEXT, TABLE = ("text", 0.9, (5, 5, 50, 25)), ("table", 0.9, (50, 30, 110, 70))


class Cells:
    """Finds the left and the right half of every table, and a faint box that does not count."""

    backend, name, fingerprint, labels, input_size = "oracle", "cells", "1", ("cell",), (16, 16)

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def infer(self, pixels, sizes):
        assert pixels.shape == (len(sizes), 16, 16, 3)
        self.sizes += sizes
        return [
            Detections(
                np.array([(0, 0, w / 2, h), (w / 2, 0, w, h), (0, 0, w, h)], np.float32),
                np.array([0.9, 0.8, 0.15], np.float32),
                np.zeros(3, np.int64),
            )
            for w, h in sizes
        ]


def build(target, samples, quads, engine=None, cells=None, pages=1):
    share = Share({f"{number}.jpg": picture(seed=number) for number in range(pages)})
    engines = Engines(engine or Oracle(TEXT, TABLE), cells)
    wanted = (page(number, quads) for number in range(pages))
    return publish(target, wanted, share, engines, LayoutSettings(samples=samples))


def test_a_crop_holds_its_region_and_all_of_its_words_at_their_new_place():
    words = (
        LayoutWord(rectangle(10, 10, 30, 20), "가", id=3, region=0),
        LayoutWord(rectangle(35, 10, 60, 20), "나", id=5, region=0),
        LayoutWord(rectangle(55, 12, 80, 22), "이웃", id=7),
        LayoutWord(rectangle(90, 60, 99, 70), "먼", id=9),
    )
    region = Region("text", 0.9, (5.5, 5.0, 40.0, 25.0), 2, "가 나", (0, 1))
    (crop,) = crops_of(record(words, regions=(region, Region("text", 0.9, (0.0, 0.0, 5.0, 5.0), 0))), "region")
    assert crop.crop == (5, 5, 60, 25) and (crop.width, crop.height) == (55, 20)
    assert [(word.id, word.text, word.state) for word in crop.words] == [
        (3, "가", "ok"),
        (5, "나", "ok"),
        (7, "이웃", "ignore"),
    ]
    assert crop.words[0].quad == rectangle(5, 5, 25, 15) and crop.words[2].quad == rectangle(50, 7, 55, 17)
    assert crop.regions == (Region("text", 0.9, (0.5, 0, 35, 20), 0, "가 나", (0, 1)),)
    assert crop.ignore_boxes() == []


def test_a_cell_holds_the_words_that_lie_in_it():
    words = (LayoutWord(rectangle(12, 12, 20, 18), "왼"), LayoutWord(rectangle(42, 12, 50, 18), "오른"))
    cells = (Cell((10.0, 10.0, 40.0, 20.0), 0.9, 0), Cell((40.0, 10.0, 70.0, 20.0), 0.8, 0))
    faint = Cell((11.0, 11.0, 25.0, 19.0), 0.2, 0)
    crops = crops_of(record(words, cells=(*cells, faint)), "cell")
    assert [(crop.regions[0].label, crop.regions[0].text) for crop in crops] == [("cell", "왼"), ("cell", "오른")]
    assert crops[1].words[0].quad == rectangle(2, 2, 10, 8)


@pytest.mark.parametrize("samples", ["region", "cell"])
def test_every_word_is_in_one_crop_or_set_aside(tmp_path, samples):
    quads = [rectangle(10, 10, 30, 20), rectangle(55, 40, 70, 50), rectangle(90, 40, 100, 50), rectangle(1, 70, 9, 79)]
    manifest = build(tmp_path / "a", samples, quads, cells=Cells(), pages=3)
    counts, reader = manifest.counts, LayoutReader(tmp_path / "a")
    assert counts.add_up and counts.words_in == 12 and len(reader) == counts.notes["samples"] == 6
    assert counts.reasons["word"] == ({"no_region": 3} if samples == "region" else {"no_cell": 6})
    for index in range(len(reader)):
        image, crop = reader.read(index)
        assert decode_picture(image).shape[:2] == (crop.height, crop.width)
        assert crop.crop and all(word.region == 0 for word in crop.words)
        whole = decode_picture(picture(seed=index // 2))
        x0, y0, x1, y1 = map(int, crop.crop)
        assert np.abs(decode_picture(image).astype(int) - whole[y0:y1, x0:x1]).mean() < 6
    expected = ["낱말0", "낱말1 낱말2"] if samples == "region" else ["낱말1", "낱말2"]
    assert [reader.read(index)[1].regions[0].text for index in range(2)] == expected


def test_a_page_without_a_crop_is_set_aside_with_its_words(tmp_path):
    counts = build(tmp_path / "a", "region", [rectangle(10, 10, 30, 20)], engine=Oracle(TABLE)).counts
    assert counts == Counts(1, 0, 1, 0, {"page": {"no_region": 1}, "word": {"no_region": 1}}, counts.notes)


def test_cells_come_in_pixels_of_the_page_and_only_once_from_the_model(tmp_path):
    first, second = Cells(), Cells()
    build(tmp_path / "a", "page", [rectangle(10, 10, 30, 20)], cells=first)
    whole = LayoutReader(tmp_path / "a").read(0)[1]
    assert whole.cells[:2] == (Cell((50, 30, 80, 70), 0.9, 1), Cell((80, 30, 110, 70), 0.8, 1))
    build(tmp_path / "a", "cell", [rectangle(55, 40, 70, 50)], cells=second)
    assert first.sizes == [(60, 40)] and second.sizes == []


def test_a_large_table_is_shrunk_and_its_size_told_as_it_was():
    tables = Tables(picture(2 * MAX_SIDE, 300), "f", (0,), ((10.0, 10.0, 2 * MAX_SIDE, 290.0),), MOST_PIXELS)
    crops = CutTables((16, 16))(tables)
    assert crops.pixels.shape == (1, 16, 16, 3) and crops.sizes == [(2 * MAX_SIDE - 10, 280)]
