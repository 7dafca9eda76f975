from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from ocr_pipeline.data.quality import write_report
from ocr_pipeline.data.quality.charts import rarity
from ocr_pipeline.data.quality.report import report_html, templates
from ocr_pipeline_tests.data.quality.making import TRAIN, VALID, admin_page, measure, publish
from ocr_pipeline_tests.trees import picture, write_tree

VOID = {"meta", "img", "br", "rect", "col"}


class Balanced(HTMLParser):
    """Remembers the tags that are open, and what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(html):
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    return parser


@pytest.fixture
def report(tmp_path, workspace):
    same = picture(".jpg", seed=3)
    pages = {
        **admin_page("train", "a", "국ㅇㄴ", "<i>&x", "\ue000", image=same),
        **admin_page("train", "b", "가\u200b"),
        **admin_page("valid", "c", "라", image=same),
    }
    share = publish(write_tree(tmp_path / "share", pages), workspace, TRAIN, VALID, crops=True)
    for partition in (TRAIN, VALID):
        measure(share, workspace, partition)
    return write_report(workspace).read_text()


def test_it_stands_alone_and_is_well_formed(report):
    parsed = parse(report)
    assert parsed.fetched and all(value.startswith(("data:image/jpeg;base64,", "#")) for value in parsed.fetched)
    assert "<script" not in report and "url(" not in report


def test_it_shows_numbers_leaks_and_suspicions(report):
    text = " ".join(parse(report).text)
    for shown in ("public_admin_train", "public_admin_valid", "102,477", "공공행정문서 OCR", "split jamo: 1 labels"):
        assert shown in text
    assert re.search(r'<div class="card bad"><b>1</b><span>leaks', report)
    assert "<i>&x" in text and "<i>&x" not in report
    assert report.count('<td>1</td><td class="text">content</td>') == 8, "the pages of a group share its number"
    assert "⟨U+200B⟩" in text and "⟨U+E000⟩" in text


def test_pictures_are_small_and_readable(tmp_path, workspace):
    pages = admin_page("train", "a", "가", image=picture(".jpg", 2400, 3400))
    share = publish(write_tree(tmp_path / "share", pages), workspace, TRAIN)
    quality = measure(share, workspace)
    assert quality.samples
    for sample in quality.samples:
        height, width = cv2.imdecode(np.frombuffer(sample.jpeg, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        assert height <= 64 and width <= 300 and len(sample.jpeg) < 30_000


def test_its_size_does_not_grow_with_the_pages(tmp_path, workspace):
    sizes = []
    for count in (40, 240):
        pages = {}
        for number in range(count):
            pages |= admin_page(
                "train", f"{count}-{number}", "국ㅇㄴ", "가나다", image=picture(".jpg", seed=number % 9)
            )
        share = publish(write_tree(tmp_path / str(count), pages), workspace, TRAIN)
        measure(share, workspace)
        sizes.append(write_report(workspace).stat().st_size)
    assert sizes[1] < 1.3 * sizes[0]


def test_without_anything_measured_it_says_so(workspace):
    text = " ".join(parse(write_report(workspace).read_text()).text)
    assert "0 partitions with pages" in text
    assert parse(report_html([])).open == []


def test_bars_are_as_high_as_their_counts():
    columns = templates().get_template("charts.html").module.columns
    heights = [
        float(height) for height in re.findall(r'height="([\d.]+)" rx', columns([("a", 10), ("b", 5), ("c", 0)]))
    ]
    assert heights[0] == pytest.approx(2 * heights[1]) and heights[2] == 0.5
    assert "nothing" in columns([])


def test_rarity_counts_characters_by_how_often_they_occur():
    assert rarity({"a": 1, "b": 1, "c": 2, "d": 4, "e": 9, "f": 99, "g": 100, "h": 10**6}) == [
        ("1", 2), ("2", 1), ("3–4", 1), ("5–9", 1), ("10–99", 1), ("100–999", 1), ("1000+", 1),
    ]  # fmt: skip


@pytest.mark.slow
def test_partitions_that_finish_together_take_turns(tmp_path, workspace):
    share = publish(write_tree(tmp_path / "share", admin_page("train", "a")), workspace, TRAIN)
    measure(share, workspace)
    with ThreadPoolExecutor(8) as executor:
        written = {path.read_bytes() for path in executor.map(lambda _: write_report(workspace), range(60))}
    assert len(written) == 1
