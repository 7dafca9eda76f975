from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.annotations.crops import Cropper
from ocr_pipeline.data.layout_lmdb import Detections, LayoutSettings, PageLayout
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, Word
from ocr_pipeline.reading import Reader
from ocr_pipeline.reading.input import Sheet
from ocr_pipeline.reading.pipeline import Models, Request, find_words, read_crops, read_pages
from ocr_pipeline.storage.files.pictures import decode_picture
from ocr_pipeline_tests.reading.conftest import LINES, InkDetector, SizeRecognizer, sheet
from ocr_pipeline_tests.reading.test_reader import encoded


def a_sheet(number: int = 1) -> Sheet:
    return Sheet("a.png", number, np.asarray(sheet((LINES[number % 3],), (640, 160))))


def models(recognizer: SizeRecognizer | None = None, batch_size: int = 4) -> Models:
    return Models(InkDetector(), recognizer or SizeRecognizer(), batch_size)


def test_crops_are_those_that_training_would_be_given():
    tilted = sheet().rotate(7, fillcolor="white", resample=2)
    found = find_words(InkDetector(), Sheet("a.png", 1, np.asarray(tilted)))
    words = tuple(Word(number, "글", quad) for number, quad in enumerate(found.quads))
    page = Page("ocr_public", "train", "a.png", *tilted.size, "a.json", words)
    made = Cropper(AnnotationSettings(crop="quad", codec="png")).crop(page, "", "", lambda: encoded(tilted))
    assert len(made.crops) == len(found.crops) > 6
    for (_, png), crop in zip(made.crops, found.crops, strict=True):
        assert np.array_equal(decode_picture(png, "RGB"), crop)


def test_vertical_words_stand_upright_as_in_training():
    picture = np.full((300, 200, 3), 255, np.uint8)
    picture[40:240, 80:110] = 0
    (crop,) = find_words(InkDetector(), Sheet("", 1, picture)).crops
    assert crop.shape[0] > 4 * crop.shape[1]


def test_a_single_line_is_found_and_its_words_stay_on_it(shipped):
    """Shown by itself it would be enlarged eightfold, and none of its words would be found."""
    line = sheet(("종로구 접수",), (300, 90))
    found = find_words(shipped.models.detector, Sheet("", 1, np.asarray(line)))
    assert len(found.crops) == 2
    assert all(0 <= x <= 300 and 0 <= y <= 90 for quad in found.quads for x, y in quad)


def test_crops_of_several_pages_share_batches_sorted_by_width():
    recognizer = SizeRecognizer()
    list(read_pages(models(recognizer), [Request(number, partial(a_sheet, number)) for number in range(4)]))
    assert [len(batch) for batch in recognizer.batches] == [4, 4, 4]
    ratios = [ratio for batch in recognizer.batches for ratio in batch]
    assert ratios == sorted(ratios)


def test_pages_of_two_groups_share_none_and_a_group_is_read_alike_whatever_came_before():
    recognizer = SizeRecognizer()
    requests = [Request(number, partial(a_sheet, number), number // 2) for number in range(4)]
    answers = list(read_pages(models(recognizer), requests))
    batches = list(recognizer.batches)
    assert answers[2:] and [answer.key for answer in answers] == [0, 1, 2, 3]
    recognizer.batches.clear()
    list(read_pages(models(recognizer), requests[2:]))
    assert recognizer.batches == batches[2:]


def test_texts_come_back_in_the_order_of_the_crops():
    crops = [np.zeros((20, width, 3), np.uint8) for width in (90, 10, 50, 70, 30)]
    assert [reading.text for reading in read_crops(SizeRecognizer(), 2, crops)] == [f"{c.shape[1]}x20" for c in crops]


def test_a_page_that_cannot_be_loaded_is_told_in_its_place():
    def broken() -> Sheet:
        raise PipelineError("torn", where="a.png", remedy="Mend it.")

    answers = list(read_pages(models(), [Request(1, a_sheet), Request(2, broken), Request(3, a_sheet)]))
    assert [isinstance(answer.result, PipelineError) for answer in answers] == [False, True, False]


def test_words_of_the_next_page_are_found_while_one_is_recognized():
    """Neither goes on before both are at work."""
    together = threading.Barrier(2, timeout=20)

    class Waiting(SizeRecognizer):
        def read_crops(self, crops):
            if not self.batches:
                together.wait()
            return super().read_crops(crops)

    def next_page() -> Sheet:
        together.wait()
        return a_sheet(2)

    crowded = Sheet("", 1, np.asarray(sheet(LINES * 2, (640, 700))))  # words for a whole window
    requests = [Request(1, lambda: crowded), Request(2, next_page)]
    assert len(list(read_pages(models(Waiting(), batch_size=1), requests))) == 2


def test_no_more_pages_are_loaded_than_can_be_read_soon():
    loaded: list[int] = []

    def load(number: int) -> Sheet:
        loaded.append(number)
        return a_sheet(number)

    answers = read_pages(models(batch_size=1), (Request(number, partial(load, number), number) for number in range(50)))
    next(answers)
    assert len(loaded) < 10
    answers.close()


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 32])
def test_company_in_a_batch_changes_no_text(shipped, batch_size):
    found = find_words(shipped.models.detector, Sheet("", 1, np.asarray(sheet())))
    alone = shipped.models.recognizer.read_crops(found.crops[:1])
    read = read_crops(shipped.models.recognizer, batch_size, found.crops)
    assert read[0].text == alone[0].text
    assert abs(read[0].confidence - alone[0].confidence) < 1e-4


class HalvesEngine:
    """Sees the lower half of a page as a text that is read before the upper half."""

    backend, name, fingerprint, labels, input_size = "made", "halves", "halves 1", ("text", "table"), (8, 8)

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        assert pixels.shape == (1, 8, 8, 3) and pixels.dtype == np.uint8
        ((width, height),) = sizes
        boxes = np.array([(0, height / 2, width, height), (0, 0, width, height / 2), (0, 0, width, height)], np.float32)
        return [Detections(boxes, np.array([0.9, 0.6, 0.2], np.float32), np.array([0, 0, 1]))]

    def close(self) -> None:
        """Nothing is open."""


def test_where_a_layout_model_is_named_its_regions_order_the_words():
    reader = Reader(InkDetector(), SizeRecognizer(), batch_size=4)
    plain, before = reader.read(sheet(LINES[:2])), reader.fingerprint
    reader.models = reader.models._replace(layout=PageLayout(LayoutSettings(model="halves"), HalvesEngine()))
    del reader.fingerprint
    page = reader.read(sheet(LINES[:2], (640, 240)))
    tops = [min(y for _, y in word.quad) for word in page.words]
    assert tops[0] > 120 > tops[-1] and reader.fingerprint != before
    assert sorted(map(str, page.words)) and len(list(page.words)) == len(list(plain.words))
    assert [line.block for line in page.lines] == [0, 1]
