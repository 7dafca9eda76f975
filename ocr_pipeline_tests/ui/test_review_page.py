"""The page of suspects in Debian's Chromium: real keys, Hangul as an input method types it, and a killed browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ocr_pipeline.data.review import Pictures, Suspect, read_sitting, write_page
from ocr_pipeline.data.review.suspects.suspect import NOBODYS_WORD
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.review.looking import KEY
from ocr_pipeline_tests.data.review.test_page import suspect
from ocr_pipeline_tests.trees import picture
from ocr_pipeline_tests.ui.conftest import SANDBOX_OFF, expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.ui

MANY = 100_000


class SamePicture(Pictures):
    """As large as views are, without a share of so many pages."""

    def views(self, suspects: Sequence[Suspect]) -> list[bytes]:
        return [os.urandom(1200)] * len(suspects)


@pytest.fixture
def review_page(tmp_path: Path) -> Path:
    rows = [suspect(number) for number in range(5)]
    rows.append(suspect(5, kind="unlabelled", word=NOBODYS_WORD + 1, text="", reading="새말"))
    rows.append(suspect(6, kind="no_text", reading=""))
    for number in range(7):
        (tmp_path / f"{number}.png").write_bytes(picture(seed=number))
    write_page(tmp_path / "page.html", KEY, rows, ["korean_words"], Pictures(Share(tmp_path)))
    return tmp_path / "page.html"


@pytest.fixture
def shown(browser: Browser, review_page: Path) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", accept_downloads=True)
    yield opened(context, review_page)
    context.close()


def place(page: Page) -> str:
    return page.locator("#progress").inner_text()


def type_hangul(page: Page, *steps: str) -> None:
    """One syllable as a Korean input method makes it: each step replaces the one before, keys say 229 meanwhile."""
    session = page.context.new_cdp_session(page)
    key = {"key": "Process", "code": "KeyG", "windowsVirtualKeyCode": 229}
    for step in steps:
        session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        session.send("Input.imeSetComposition", {"text": step, "selectionStart": 1, "selectionEnd": 1})
    session.send("Input.dispatchKeyEvent", {**key, "type": "rawKeyDown", "key": "Enter", "code": "Enter"})
    session.send("Input.insertText", {"text": steps[-1]})


def saved(page: Page, folder: Path) -> dict[str, tuple[str, str]]:
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(folder / "saved.json")
    sitting = read_sitting(folder / "saved.json")
    assert not sitting.unmatched and sitting.partition == KEY
    return {row.image.removesuffix(".png"): (row.action, row.after) for row in sitting.corrections}


def test_a_card_shows_what_differs(shown: Page) -> None:
    expect(shown.locator("#crop")).to_be_visible()
    assert shown.locator("#crop").evaluate("picture => picture.naturalWidth") > 20
    assert shown.locator("#texts mark").all_inner_texts() == ["극", "국"]
    assert shown.locator("#jamo").inner_text() == "극→국 (ㅡ→ㅜ)"
    assert "80 %" in shown.locator("#rate").inner_text()
    assert shown.locator("button.likely").get_attribute("data-action") == "take"


def test_one_key_each(shown: Page, tmp_path: Path) -> None:
    keys = shown.keyboard
    keys.press("k")
    keys.press("r")
    keys.press("t")
    assert shown.locator("#typed").input_value() == "한극"
    shown.locator("#typed").fill("")
    type_hangul(shown, "ㅎ", "하", "한")
    keys.press("Enter")
    keys.press("i")
    keys.press("d")
    assert "6 / 7 · 5 decided" in place(shown)
    keys.press("d")
    assert "6 / 7" in place(shown), "what nobody labelled cannot be deleted"
    keys.press("r")
    keys.press("r")
    assert "7 / 7" in place(shown), "nothing was read here"
    keys.press("d")
    expect(shown.locator("#done")).to_be_visible()
    assert saved(shown, tmp_path) == {
        "0": ("keep", ""),
        "1": ("text", "한국"),
        "2": ("text", "한"),
        "3": ("ignore", ""),
        "4": ("delete", ""),
        "5": ("add", "새말"),
        "6": ("delete", ""),
    }


def test_the_last_decision_is_told(shown: Page) -> None:
    shown.keyboard.press("r")
    expect(shown.locator("#status")).to_have_text("Last: 한극 → 한국")
    shown.keyboard.press("k")
    expect(shown.locator("#status")).to_have_text("Last: 한극 (keep)")
    shown.keyboard.press("t")
    expect(shown.locator("#keys")).to_be_hidden()


def test_skip_back_and_undo(shown: Page, tmp_path: Path) -> None:
    keys = shown.keyboard
    for key in ("Space", "k", "ArrowLeft"):
        keys.press(key)
    assert "2 / 7 · 1 decided" in place(shown)
    keys.press("d")
    assert "3 / 7 · 1 decided" in place(shown)
    keys.press("u")
    assert "2 / 7 · 1 decided" in place(shown)
    keys.press("u")
    assert "2 / 7 · 0 decided" in place(shown)
    keys.press("r")
    assert saved(shown, tmp_path) == {"1": ("text", "한국")}


def test_escape_types_nothing_and_letters_in_fields_are_letters(shown: Page) -> None:
    shown.locator("#who").press_sequentially("kdr")
    shown.locator("#who").blur()
    shown.keyboard.press("t")
    shown.keyboard.type("kk")
    shown.keyboard.press("Escape")
    assert "1 / 7 · 0 decided" in place(shown)
    assert shown.locator("#who").input_value() == "kdr"


def test_both_languages_and_kinds_alone(shown: Page) -> None:
    shown.locator("#language").click()
    assert shown.locator("#kind-name").inner_text() == "오타"
    assert "그대로" in shown.locator("#keys").inner_text()
    shown.locator("#kind").select_option("unlabelled")
    assert "6 / 7" in place(shown) and shown.locator("#kind-name").inner_text() == "라벨 없음"


def test_what_was_decided_outlives_a_killed_browser(browser: Browser, review_page: Path, tmp_path: Path) -> None:
    from playwright.sync_api import Error

    profile, chromium = tmp_path / "profile", browser.browser_type
    options = {"executable_path": shutil.which("chromium"), "args": SANDBOX_OFF, "locale": "en-US"}
    context = chromium.launch_persistent_context(profile, **options)
    page = opened(context, review_page)
    page.keyboard.press("k")
    page.keyboard.press("r")
    expect(page.locator("body[data-remembered='2']")).to_be_attached()
    kill_browser(profile)
    with suppress(Error):  # there is nothing left to close
        context.close()
    context = chromium.launch_persistent_context(profile, **options)
    page = opened(context, review_page)
    assert "3 / 7 · 2 decided" in place(page)
    assert saved(page, tmp_path) == {"0": ("keep", ""), "1": ("text", "한국")}
    context.close()


def opened(context: BrowserContext, path: Path) -> Page:
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator("body[data-ready]")).to_be_attached()
    return page


def kill_browser(profile: Path) -> None:
    """kill -9 of all processes that were started on a profile."""
    found = subprocess.run(["pgrep", "-f", str(profile)], capture_output=True, text=True, check=True).stdout.split()
    for process in map(int, found):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0.5)


def test_a_hundred_thousand_open_at_once(browser: Browser, tmp_path: Path) -> None:
    rows = [suspect(number) for number in range(MANY)]
    write_page(tmp_path / "page.html", KEY, rows, ["korean_words"], SamePicture(Share(tmp_path)))
    page = browser.new_page()
    began = time.monotonic()
    page.goto((tmp_path / "page.html").as_uri(), wait_until="commit")
    expect(page.locator("body[data-ready]")).to_be_attached()
    seconds = time.monotonic() - began
    page.keyboard.press("k")
    assert f"2 / {MANY}" in place(page)
    page.close()
    assert seconds < 2, f"{seconds:.1f} s for {(tmp_path / 'page.html').stat().st_size / 1e6:.0f} MB"
