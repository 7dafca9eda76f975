"""What a newcomer sees: runs on the first page, a mistake before it costs a run, a curve while it is drawn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.orchestration import backfills
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.reading import decode_document
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE
from ocr_pipeline_tests.reading.conftest import LINES, sheet
from ocr_pipeline_tests.release.shipped import use_shipped_weights
from ocr_pipeline_tests.ui.conftest import Floor, expect, wait_until
from ocr_pipeline_tests.ui.test_browser import SLOW, launch_training, open_page, run_data, run_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.ui

AT_REST = 20.0
"""Seconds of a run over ten partitions that are current, where nothing else runs."""


def test_the_first_page_shows_what_commands_ran(floor: Floor, page: Page, screenshots: Path) -> None:
    locations = Locations(source=floor.environment[SOURCE_VARIABLE], output=str(floor.workspace.root))
    with dg.DagsterInstance.from_config(floor.environment["DAGSTER_HOME"]) as instance:
        wanted = {"public_admin_train": ["merged_json", "lookup"]}
        assert all(done for _, done in backfills.run_here(instance, build_definitions(locations), wanted))
    open_page(page, floor, "")
    expect(page.get_by_text("data", exact=True).first).to_be_visible()
    expect(page.get_by_text("No runs or scheduled ticks")).to_have_count(0)
    page.screenshot(path=screenshots / "ui_first_page.png")


def test_a_mistake_is_told_before_the_run_starts(floor: Floor, page: Page, screenshots: Path) -> None:
    open_page(page, floor, "locations/ocr_pipeline/jobs/training/playground")
    editor = page.locator(".CodeMirror").first
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("ops: {fast_checkpoint: {config: {options: {batch_sise: 4}}}}")
    expect(page.get_by_text('unexpected config entry "batch_sise"').first).to_be_visible()
    expect(page.get_by_text("No errors")).to_have_count(0)
    expect(page.get_by_role("button", name="Launch Run").last).to_be_disabled()
    page.screenshot(path=screenshots / "ui_launchpad.png")


BACKFILL = """mutation($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) { ... on LaunchBackfillSuccess { backfillId } } }"""
RUNS = """query($backfill: String!) { runsOrError(filter: {tags: [{key: "dagster/backfill", value: $backfill}]}) {
  ... on Runs { results { status startTime endTime } } } }"""


def test_ten_partitions_that_are_current_take_one_run_of_seconds(floor: Floor, page: Page) -> None:
    for verb in ("merge", "lookup"):
        floor.ocr_pipeline(verb)
    assets = [{"path": ["merged_json"]}, {"path": ["lookup"]}]
    asked = {"assetSelection": assets, "partitionNames": [*PARTITIONS]}
    backfill = floor.graphql(BACKFILL, backfill=asked)["launchPartitionBackfill"]["backfillId"]

    def runs() -> list[dict]:
        return floor.graphql(RUNS, backfill=backfill)["runsOrError"]["results"]

    wait_until(lambda: bool(runs()) and all(run["endTime"] for run in runs()), seconds=400)
    (run,) = runs()
    assert run["status"] == "SUCCESS"
    if os.getloadavg()[0] < 2 * (os.cpu_count() or 1):
        assert run["endTime"] - run["startTime"] <= AT_REST
    open_page(page, floor, "assets/lookup?view=partitions")
    expect(page.get_by_text(f"Materialized ({len(PARTITIONS)})")).to_be_visible()


def test_a_curve_is_drawn_while_the_training_runs_and_seen_without_a_click_when_it_is_over(
    floor: Floor, page: Page, screenshots: Path
) -> None:
    assert run_data(floor)
    run_id = launch_training(floor)
    wait_until(lambda: any("fast_checkpoint: step" in line for line in run_of(floor, run_id)[1]), seconds=300)
    open_page(page, floor, "assets/fast_checkpoint?view=overview")
    expect(page.get_by_text("training/loss").first).to_be_visible()
    assert run_of(floor, run_id)[0] == "STARTED"
    page.screenshot(path=screenshots / "ui_live_curve.png")
    wait_until(lambda: run_of(floor, run_id)[0] == "SUCCESS", seconds=500)
    page.reload()
    picture = page.locator("img[src^='data:image/webp']").first
    expect(picture).to_be_visible(timeout=SLOW)
    assert picture.evaluate("picture => picture.naturalWidth") > 60


def test_a_page_of_the_inbox_is_read_from_the_ui_and_its_text_and_picture_are_seen(
    floor: Floor, page: Page, screenshots: Path
) -> None:
    use_shipped_weights(floor.workspace)
    inbox = floor.workspace.inbox / "pages"
    inbox.mkdir(parents=True)
    sheet(LINES, (640, 100 + 100 * len(LINES))).save(inbox / "notice.png")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    open_page(page, floor, "assets/readings?view=overview")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Confirm").click()  # that the champions were not made by Dagster
    page.get_by_text("Launched run").wait_for()
    wait_until((floor.workspace.readings / "notice.png.json").is_file, seconds=SLOW / 1000)
    wait_until(lambda: bool(read_manifest(floor.workspace.readings)), seconds=60)
    page.reload()
    text = decode_document((floor.workspace.readings / "notice.png.json").read_bytes()).pages[0].lines[0].text
    for name in ("sample_text", "least_sure_lines", "sample_page"):
        row = page.locator("tr").filter(has_text=name).first
        expect(row).to_be_visible(timeout=SLOW)
        if row.get_by_text("Show Markdown").count():
            row.get_by_text("Show Markdown").click()
            expect(page.get_by_role("dialog").first).to_be_visible()
            page.keyboard.press("Escape")
    expect(page.get_by_text(text).first).to_be_visible()
    page.screenshot(path=screenshots / "ui_readings.png")
    assert not problems
