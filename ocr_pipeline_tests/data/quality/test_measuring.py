from __future__ import annotations

from collections import Counter

import msgspec

from ocr_pipeline.data.datasets.label_forms import box_quad
from ocr_pipeline.data.lookup import Lookup
from ocr_pipeline.data.quality.measuring import EXAMPLES, Meter, distribution
from ocr_pipeline.data.quality.samples import RARE, rarest
from ocr_pipeline.page import Page, Word


def page(number: int, *boxes: tuple[float, float, float, float], texts: tuple[str, ...] = (), state="ok") -> Page:
    words = tuple(
        Word(place, texts[place] if texts else "가나", box_quad(box), state) for place, box in enumerate(boxes)
    )
    return Page("public_admin", "train", f"{number}.jpg", 100, 80, f"{number}.json", words)


def measured(*pages: Page) -> Meter:
    meter = Meter("public_admin")
    meter.measure(pages, Lookup({page.image: f"/share/{page.image}" for page in pages}))
    return meter


def test_numbers_are_summarised_exactly():
    found = distribution(Counter([0, 1, 1, 2, 5, 9, 40]), (0, 1, 2, 5, 10))
    assert (found.count, found.smallest, found.median, found.largest) == (7, 0, 2, 40)
    assert found.bins == [(0, 1), (1, 2), (2, 1), (5, 2), (10, 1)]
    assert distribution(Counter(), (0, 1)).bins == [(0, 0), (1, 0)]


def test_words_that_leave_their_page_are_told_from_those_beyond_it():
    inside, rounding, partly, beyond = (0, 0, 100, 80), (-1, 10, 20, 10), (90, 10, 20, 10), (100, 10, 20, 10)
    above = (10, -30, 20, 10)
    meter = measured(page(0, inside, rounding, partly, beyond, above))
    assert (meter.partly_outside, meter.wholly_outside) == (1, 2)


def test_characters_lengths_and_boxes_are_counted():
    meter = measured(
        page(0, (0, 0, 10, 5), (0, 0, 20, 6), texts=("가나다", "가")), page(1, (0, 0, 30, 7), texts=("다",))
    )
    assert meter.characters == {"가": 2, "나": 1, "다": 2}
    assert (meter.text_lengths.count, meter.text_lengths.median, meter.text_lengths.largest) == (3, 1, 3)
    assert (meter.boxes.widths.median, meter.boxes.heights.largest, meter.words_per_page.count) == (20, 7, 2)
    assert meter.first["다"].image == "0.jpg" and meter.first["다"].path == "/share/0.jpg"


def test_words_without_legible_text_count_as_boxes_only():
    meter = measured(page(0, (0, 0, 10, 5), texts=("xxx",), state="ignore"))
    assert (meter.ignored, meter.words.total(), meter.characters, meter.boxes.widths.count) == (1, 1, {}, 1)
    assert meter.text_lengths.count == 0 and meter.largest == []


def test_the_most_extreme_boxes_are_kept_in_order_the_first_of_equals():
    pages = [page(number, (0, 0, 10 + number % 50, 1)) for number in range(200)]
    meter = measured(*pages)
    assert [place.image for place in meter.largest][:5] == ["49.jpg", "99.jpg", "149.jpg", "199.jpg", "48.jpg"]
    assert [place.image for place in meter.smallest][:5] == ["0.jpg", "50.jpg", "100.jpg", "150.jpg", "1.jpg"]


def test_what_is_kept_does_not_grow_with_the_pages():
    few, many = (
        measured(*(page(number, (0, 0, 10, 5), texts=(f"국ㅇ{number % 10}",)) for number in range(count)))
        for count in (100, 3000)
    )
    assert many.suspicions["split_jamo"].count == 3000
    assert len(many.suspicions["split_jamo"].examples) == len(many.largest) == len(many.smallest) == EXAMPLES
    assert len(many.first) == len(few.first) == 12
    assert len(msgspec.json.encode(many.boxes)) < len(msgspec.json.encode(few.boxes)) + 20


def test_the_rarest_characters_come_from_all_over_the_character_set():
    characters = {chr(0xAC00 + number): 1 for number in range(1000)} | {"가": 50}
    chosen = rarest(characters)
    assert len(chosen) == RARE and all(count == 1 for _, count in chosen)
    assert ord(chosen[-1][0]) - ord(chosen[0][0]) > 900
    assert rarest({"나": 2, "가": 2, "다": 1}) == [("다", 1), ("가", 2), ("나", 2)]
