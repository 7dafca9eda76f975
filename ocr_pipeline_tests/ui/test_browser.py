"""What a person sees and does in the UI, by one process: the tests build on one another, top to bottom."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE
from ocr_pipeline_tests.ui.conftest import Floor, expect, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.ui

GROUPS = ("labels", "quality", "detection", "recognition", "inference")
SLOW = 300_000
PARTITION = "public_admin_train"
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "ocr_pipeline"}


def open_page(page: Page, floor: Floor, path: str) -> None:
    page.goto(f"{floor.url}/{path}", wait_until="domcontentloaded")


def is_green(page: Page, partition: str) -> bool:
    """Whether the dot beside a partition's name is green."""
    dot = page.get_by_title(partition, exact=True).first.locator("xpath=../following-sibling::div[1]")
    red, green, blue = (
        int(part) for part in re.findall(r"\d+", dot.evaluate("dot => getComputedStyle(dot).backgroundColor"))[:3]
    )
    return green > red + 60 and green > blue + 60


def test_the_graph_shows_its_groups(floor: Floor, page: Page, screenshots: Path) -> None:
    open_page(page, floor, "asset-groups")
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).last).to_be_visible()
    page.mouse.click(1000, 700)
    page.keyboard.press("Alt+e")
    for asset in ("merged_json", "layout_lmdb", "fast_champion", "predictions"):
        expect(page.get_by_text(asset, exact=True).last).to_be_visible()
    page.screenshot(path=screenshots / "ui_graph.png", clip={"x": 540, "y": 110, "width": 960, "height": 790})


def test_a_partition_is_materialised_from_the_ui_and_turns_green(floor: Floor, page: Page) -> None:
    open_page(page, floor, "assets/merged_json?view=partitions")
    expect(page.get_by_text(f"Missing ({len(EVERY_PARTITION)})")).to_be_visible()
    assert not is_green(page, PARTITION)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Select a partition or create one").click()
    page.keyboard.type(PARTITION)
    page.get_by_role("menuitem").filter(has_text=PARTITION).first.click()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Launch 1 run").click()
    page.get_by_text("Launched run").wait_for()
    expect(page.get_by_text("Materialized (1)")).to_be_visible(timeout=SLOW)
    assert is_green(page, PARTITION)


def test_a_backfill_of_one_data_set_runs_to_its_end(floor: Floor, page: Page) -> None:
    told = floor.ocr_pipeline("backfill", "--dataset", "handwriting", "--asset", "merged_json", "--asset", "lookup")
    assert "in the queue of the running daemon" in told
    open_page(page, floor, "runs/?view=backfills")
    expect(page.get_by_text("2 partitions")).to_be_visible()
    expect(page.get_by_text("Success", exact=True)).to_be_visible(timeout=SLOW)
    for split in ("train", "valid"):
        assert read_manifest(floor.workspace.merged_json(f"handwriting_{split}"))
    open_page(page, floor, "assets/lookup?view=partitions")
    expect(page.get_by_text("Materialized (2)")).to_be_visible()


def test_graphql_and_the_command_line_ask_for_the_same_at_once(floor: Floor) -> None:
    query = """mutation($backfill: LaunchBackfillParams!) {
      launchPartitionBackfill(backfillParams: $backfill) { ... on LaunchBackfillSuccess { backfillId } } }"""
    asked = {"assetSelection": [{"path": ["annotations"]}], "partitionNames": ["handwriting_train"]}
    backfill = floor.graphql(query, backfill=asked)["launchPartitionBackfill"]["backfillId"]
    floor.ocr_pipeline("annotations", "--partition", "handwriting_train", "--output_format", "lmdb")
    made = manifest_path(floor.workspace.annotations("handwriting", "train", "lmdb")).stat().st_mtime_ns
    status = "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"

    def is_over() -> bool:
        return floor.graphql(status, id=backfill)["partitionBackfillOrError"]["status"] == "COMPLETED_SUCCESS"

    wait_until(is_over)
    assert manifest_path(floor.workspace.annotations("handwriting", "train", "lmdb")).stat().st_mtime_ns == made


def test_a_delivery_that_is_marked_starts_its_data_job(floor: Floor, page: Page) -> None:
    share = Path(floor.environment[SOURCE_VARIABLE])
    labels = next(path for path in sorted(share.rglob("*.json")) if "2.Validation" in path.parts)
    (labels.parent / "_DELIVERED").touch()
    sensor = {**LOCATION, "sensorName": "share_watch"}
    start = """mutation($sensor: SensorSelector!) {
      startSensor(sensorSelector: $sensor) { ... on Sensor { name } ... on PythonError { message } } }"""
    assert floor.graphql(start, sensor=sensor)["startSensor"] == {"name": "share_watch"}
    open_page(page, floor, "runs")
    expect(page.get_by_text("marked as delivered").or_(page.get_by_text("share_watch")).first).to_be_visible(
        timeout=SLOW
    )
    runs = '{ runsOrError(filter: {pipelineName: "data"}) { ... on Runs { results { status tags { key value } } } } }'

    def is_done() -> bool:
        (run,) = floor.graphql(runs)["runsOrError"]["results"]
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        assert tags["dagster/partition"] == "handwriting_valid" and "marked as delivered" in tags["ocr_pipeline/why"]
        return run["status"] == "SUCCESS"

    wait_until(is_done, seconds=300)


def run_data(floor: Floor) -> bool:
    """The data job of one partition, in this process and the UI's instance."""
    locations = Locations(source=floor.environment[SOURCE_VARIABLE], output=str(floor.workspace.root))
    with dg.DagsterInstance.from_config(floor.environment["DAGSTER_HOME"]) as instance:
        job = build_definitions(locations).resolve_job_def("data")
        return job.execute_in_process(partition_key=PARTITION, instance=instance, raise_on_error=False).success


def test_pictures_are_shown(floor: Floor, page: Page, screenshots: Path) -> None:
    assert run_data(floor)
    open_page(page, floor, f"assets/layout_lmdb?view=partitions&partition={PARTITION}")
    small = page.locator("tr").filter(has_text="sample_page_small").locator("img[src^='data:image/webp']").first
    expect(small).to_be_visible()  # without a click
    small.screenshot(path=screenshots / "ui_sample_page_small.png")
    large = page.locator("tr").filter(has=page.get_by_text("sample_page", exact=True)).first
    large.get_by_text("Show Markdown").click()
    picture = page.locator("img[src^='data:image/jpeg']").first
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") > 400
    picture.screenshot(path=screenshots / "ui_sample_page.png")


TERMINATE = """mutation($run: String!) {
  terminateRun(runId: $run) { ... on TerminateRunSuccess { run { runId } } } }"""
LAUNCH = """mutation($run: ExecutionParams!) {
  launchRun(executionParams: $run) { ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = """query($run: ID!) { runOrError(runId: $run) { ... on Run {
  status eventConnection { events {
    ... on MessageEvent { message } ... on ErrorEvent { error { message } } } } } } }"""


def launch_training(floor: Floor) -> str:
    selector = {**LOCATION, "pipelineName": "__ASSET_JOB", "assetSelection": [{"path": ["fast_checkpoint"]}]}
    return floor.graphql(LAUNCH, run={"selector": selector, "mode": "default"})["launchRun"]["run"]["runId"]


def run_of(floor: Floor, run_id: str) -> tuple[str, list[str]]:
    """Its status and the lines of its log, each with its error."""
    run = floor.graphql(RUN, run=run_id)["runOrError"]
    events = run["eventConnection"]["events"]
    return run["status"], [event["message"] + (event.get("error") or {}).get("message", "") for event in events]


def test_a_cancelled_training_saves_within_a_minute_and_the_next_goes_on(floor: Floor) -> None:
    assert run_data(floor)
    run_id = launch_training(floor)
    wait_until(lambda: any("fast_checkpoint: step" in line for line in run_of(floor, run_id)[1]))
    asked = time.monotonic()
    floor.graphql(TERMINATE, run=run_id)
    wait_until(lambda: run_of(floor, run_id)[0] == "CANCELED", seconds=60)
    assert time.monotonic() - asked < 60
    wait_until(lambda: any("Its run was cancelled" in line for line in run_of(floor, run_id)[1]), seconds=60)
    assert not any("retry" in line for line in run_of(floor, run_id)[1])
    again = launch_training(floor)
    wait_until(lambda: run_of(floor, again)[0] == "SUCCESS", seconds=300)
    assert any("going on from" in line for line in run_of(floor, again)[1])
    assert read_manifest(floor.workspace.fast_checkpoint)


def is_red(text: Locator) -> bool:
    red, green, blue = (
        int(part) for part in re.findall(r"\d+", text.evaluate("text => getComputedStyle(text).color"))[:3]
    )
    return red > green + 60 and red > blue + 60


def test_a_failing_check_turns_red_with_its_message(floor: Floor, page: Page, screenshots: Path) -> None:
    assert run_data(floor)
    artifact = floor.workspace.annotations("public_admin", "train", "lmdb")
    manifest = read_manifest(artifact)
    assert manifest
    text = manifest_path(artifact).read_text()
    manifest_path(artifact).write_text(text.replace(f'"words_out": {manifest.counts.words_out}', '"words_out": 1'))
    assert not run_data(floor)
    open_page(page, floor, "assets/annotations?view=checks&checkDetail=crops_readable")
    failed = page.get_by_text("Failed", exact=True)
    expect(failed.last).to_be_visible()
    expect(page.get_by_text("Latest execution")).to_be_visible()
    page.screenshot(path=screenshots / "ui_check.png")
    assert any(is_red(text) for text in failed.all())
    message = f"{manifest.counts.words_out} crops, but the manifest says 1"
    page.get_by_text("Show JSON").first.click()
    expect(page.get_by_text(message).first).to_be_visible()
    manifest_path(artifact).write_text(text)
