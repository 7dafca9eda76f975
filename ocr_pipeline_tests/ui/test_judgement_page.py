"""The judgement as a person sees it: tables sort, crops show, the language switches, and the console stays silent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ocr_pipeline.judging import contestants
from ocr_pipeline.judging.report import PAGE, judge_into
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.judging.making import Oracle, Pages, page
from ocr_pipeline_tests.ui.conftest import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.ui

SHEETS = [page("a.png"), page("b.png", ("나라", "서울", "값", "1", "<b>&amp;"))]
WRONG = {"서울": ("서올", 0.8), "값": ("갑", 0.3), "나라": ("", 0.1), "1": ("I", 0.7), "Total": ("Total", 0.9)}


@pytest.fixture
def judged(tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = {
        "ours": lambda _: Oracle(SHEETS, lambda text: WRONG.get(text, (text, 0.9))).contestant("ours"),
        "theirs": lambda _: Oracle(SHEETS).contestant("theirs"),
    }
    monkeypatch.setattr(contestants, "KINDS", made)
    judge_into(tmp_path / "report", [Pages(SHEETS)], Judging(contestant=("ours", "theirs")), workspace)
    return tmp_path / "report" / PAGE


@pytest.fixture
def opened(judged: Path, page: Page) -> Page:
    """The page in the browser; its console is listened to."""
    page.said = []  # type: ignore[attr-defined]
    page.on("console", lambda message: page.said.append(message.text))  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.said.append(str(error)))  # type: ignore[attr-defined]
    page.goto(judged.as_uri())
    return page


def column(table: Locator, place: int) -> list[str]:
    return table.locator(f"tbody tr td:nth-child({place})").all_inner_texts()


def test_confusions_sort_by_any_column(opened: Page, screenshots: Path) -> None:
    table = opened.locator("#confusions table").first
    times = [int(text) for text in column(table, 4)]
    assert times == sorted(times, reverse=True) and times[0] == 2
    heading = table.get_by_role("button", name="times")
    heading.click()
    heading.click()
    assert [int(text) for text in column(table, 4)] == sorted(times)
    expect(table.locator("th[aria-sort=ascending]")).to_have_count(1)
    table.get_by_role("button", name="truth").click()
    truths = column(table, 2)
    assert len(truths) == len(times) and truths[0] != truths[-1]
    assert opened.said == []  # type: ignore[attr-defined]
    opened.screenshot(path=screenshots / "ui_judgement.png", full_page=True)


def test_the_gallery_shows_crops_with_what_was_read(opened: Page) -> None:
    gallery = opened.locator("#gallery")
    pictures = gallery.locator("img")
    assert pictures.count() >= 4
    widths = pictures.evaluate_all("all => all.map(picture => picture.naturalWidth)")
    assert min(widths) > 20
    expect(gallery.get_by_text("서올").first).to_be_visible()
    expect(gallery.get_by_text("theirs: 서울").first).to_be_visible()
    assert opened.said == []  # type: ignore[attr-defined]


def test_the_language_switches(opened: Page) -> None:
    expect(opened.get_by_role("heading", level=1)).to_have_text("What the models are worth", use_inner_text=True)
    opened.get_by_role("button", name="한국어").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("모델 성능 판정", use_inner_text=True)
    assert opened.said == []  # type: ignore[attr-defined]
