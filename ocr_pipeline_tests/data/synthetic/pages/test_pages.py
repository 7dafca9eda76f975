from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.data.synthetic import DrawnPage, draw_page
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.data.synthetic.pages import KINDS

FACES = package_faces()


@pytest.fixture(scope="module")
def pages() -> list[DrawnPage]:
    return [draw_page(3, index, FACES, side=256) for index in range(80)]


def test_a_page_depends_on_its_seed_and_its_number_alone(pages):
    again = draw_page(3, 17, FACES, side=256)
    assert np.array_equal(again.pixels, pages[17].pixels)
    assert [word.text for word in again.words] == [word.text for word in pages[17].words]
    assert all(np.array_equal(a.quad, b.quad) for a, b in zip(again.words, pages[17].words, strict=True))
    other = draw_page(4, 17, FACES, side=256)
    assert other.pixels.shape != again.pixels.shape or not np.array_equal(other.pixels, again.pixels)


def test_every_kind_is_drawn_and_only_the_empty_one_is_without_words(pages):
    assert {page.kind for page in pages} == set(KINDS)
    for page in pages:
        if page.kind == "empty":
            assert not page.words
            assert not page.unclear
    written = [page for page in pages if page.kind != "empty"]
    assert sum(bool(page.words) for page in written) > 0.9 * len(written)


@pytest.mark.slow
def test_letters_come_in_many_sizes_and_lone_syllables_among_them():
    words = [word for index in range(60) for word in draw_page(3, index, FACES).words]
    heights = [min(np.ptp(word.quad[:, 0]), np.ptp(word.quad[:, 1])) for word in words]
    assert min(heights) < 9
    assert max(heights) > 60
    assert any(len(word.text) == 1 for word in words)
    assert all(word.text.strip() == word.text and " " not in word.text for word in words)


def test_words_lie_on_the_page_and_run_clockwise_from_the_top_left(pages):
    for page in pages:
        height, width = page.pixels.shape[:2]
        for word in page.words:
            assert word.quad[:, 0].max() > 0
            assert word.quad[:, 1].max() > 0
            assert word.quad[:, 0].min() < width
            assert word.quad[:, 1].min() < height
            x, y = word.quad.T
            assert np.dot(x, np.roll(y, -1)) > np.dot(y, np.roll(x, -1))


def test_words_differ_from_what_is_around_them(pages):
    """Ink that cannot be seen would teach that paper is text."""
    unseen = total = 0
    for page in (page for page in pages if page.kind in ("document", "form", "receipt", "screen")):
        grey = page.pixels.mean(axis=2)
        for word in page.words:
            (x0, y0), (x1, y1) = np.maximum(word.quad.min(axis=0), 0).astype(int), word.quad.max(axis=0).astype(int)
            area = grey[y0 : y1 + 1, x0 : x1 + 1]
            total += 1
            unseen += area.size == 0 or np.ptp(area) < 12
    assert total > 300
    assert unseen < 0.01 * total
