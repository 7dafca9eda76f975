"""Pages that are put into the inbox are read once, when they are whole."""

from __future__ import annotations

import os

import dagster as dg
import pytest

from ocr_pipeline import Reader
from ocr_pipeline.orchestration.automation.inbox_watch import inbox_sensor
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.reading import decode_document
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.reading.conftest import LINES, sheet
from ocr_pipeline_tests.release.shipped import use_shipped_weights


@pytest.fixture
def champions(workspace: Workspace) -> Workspace:
    """A workspace in which the shipped weights are in use."""
    use_shipped_weights(workspace)
    return workspace


def put(workspace: Workspace, name: str, *lines: str) -> None:
    (workspace.inbox / "pages").mkdir(parents=True, exist_ok=True)
    sheet(lines, (640, 100 + 100 * len(lines))).save(workspace.inbox / "pages" / name)


class Ticks:
    """The sensor, tick after tick."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.cursor = workspace, None
        self.sensor = inbox_sensor(AutomationSettings())

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        locations = Locations(output=str(self.workspace.root))
        context = dg.build_sensor_context(cursor=self.cursor, resources={"locations": locations})
        result = self.sensor(context)
        self.cursor = context.cursor
        return result


def test_what_is_put_into_the_inbox_is_read_once_when_it_has_settled(champions: Workspace) -> None:
    ticks = Ticks(champions)
    assert "no pages" in ticks.tick().skip_message
    put(champions, "a.png", LINES[0])
    assert "Pages have come" in ticks.tick().skip_message
    (request,) = ticks.tick().run_requests
    assert "Nothing has changed" in ticks.tick().skip_message
    put(champions, "b.png", LINES[1])
    ticks.tick()
    (again,) = ticks.tick().run_requests
    assert again.run_key != request.run_key


def test_nothing_is_read_before_there_are_champions(workspace: Workspace) -> None:
    put(workspace, "a.png", LINES[0])
    ticks = Ticks(workspace)
    ticks.tick()
    assert "nothing to read with" in ticks.tick().skip_message


@pytest.mark.slow
def test_a_reader_of_the_champions_reads_with_what_is_in_use(champions: Workspace) -> None:
    assert Reader.champions(champions.root).fingerprint == Reader().fingerprint


@pytest.mark.parametrize("is_on", [True, False])
def test_one_line_turns_it_on(monkeypatch: pytest.MonkeyPatch, is_on: bool) -> None:
    monkeypatch.setitem(os.environ, "OCR_PIPELINE_WATCH_INBOX", str(int(is_on)))
    sensor = build_definitions().get_sensor_def("inbox_watch")
    assert (sensor.default_status == dg.DefaultSensorStatus.RUNNING) == is_on


@pytest.mark.slow
def test_the_asset_shows_text_picture_and_the_least_sure_lines(champions: Workspace) -> None:
    put(champions, "a.png", *LINES)
    (champions.inbox / "pages" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    definitions = build_definitions(Locations(output=str(champions.root)))
    config = {"ops": {"readings": {"config": {"form": ["txt", "pdf"], "device": "cpu"}}}}
    run = definitions.resolve_job_def("inbox").execute_in_process(run_config=config)
    (event,) = run.asset_materializations_for_node("readings")
    assert event.metadata["pages_in"].value == 2 and event.metadata["pages_out"].value == 1
    assert "torn.png" in event.metadata["errors"].value
    assert "data:image/jpeg" in event.metadata["sample_page"].value
    page = decode_document((champions.readings / "a.png.json").read_bytes()).pages[0]
    assert event.metadata["words_out"].value == len(list(page.words)) > 6
    assert page.lines[0].text.split()[0] in event.metadata["sample_text"].value
    assert event.metadata["least_sure_lines"].value.count("\n") == 1 + len(page.lines)
    assert (champions.readings / "a.png.pdf").is_file()
