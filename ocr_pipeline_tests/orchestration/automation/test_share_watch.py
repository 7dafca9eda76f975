"""A share that grows, as the sensor sees it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.automation import sweep
from ocr_pipeline.orchestration.automation.schedules import nightly_schedule
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.share_watch import in_time, look, watch_sensor
from ocr_pipeline.orchestration.automation.sweep import Sweep, Tally, walk_on
from ocr_pipeline.orchestration.automation.watched import Clock, Watch, read_cursor
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source import local_files
from ocr_pipeline.storage.source.share import Share

HANDWRITING = "053.대용량 손글씨 OCR 데이터/01.데이터"
TRAINING, VALIDATION = f"{HANDWRITING}/1.Training", f"{HANDWRITING}/2.Validation"
SETTINGS = AutomationSettings(watch=True, quiet_seconds=100)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in (f"{TRAINING}/라벨링데이터/TL/a", f"{TRAINING}/원천데이터/TS/a", f"{VALIDATION}/라벨링데이터/VL"):
        put(tmp_path / "share" / folder / "1.json")
    put(tmp_path / "share" / "13.한국어글자체/04. Text in the wild_230209_add/textinthewild_data_info.json")
    return tmp_path / "share"


def put(path: Path, text: str = "{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class Watcher:
    """Looks at a share at given times, and takes what has settled as started."""

    def __init__(self, root: Path, settings: AutomationSettings = SETTINGS) -> None:
        self.share, self.settings, self.watch = Share(root), settings, Watch(place=str(root))
        self.keys: list[str | None] = []

    def look(self, now: float) -> list[str]:
        changes = [change for change in look(self.share, self.watch, self.settings, now) if not change.waits]
        for change in changes:
            self.watch.start(change)
        self.keys += [change.request.run_key for change in changes]
        self.watch = read_cursor(msgspec.json.encode(self.watch).decode(), str(self.share.place))
        return [change.partition for change in changes]


def tick(root: Path, cursor: str | None = None, **changed: float) -> dg.SensorResult | dg.SkipReason:
    """One tick of the sensor, over an instance without runs and an output folder without artifacts."""
    locations = Locations(source=str(root), output=str(root.parent / "output"))
    with dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral(), cursor=cursor) as context:
        return watch_sensor(replace(SETTINGS, **changed))(context, locations=locations)


def settled(root: Path) -> Watcher:
    watcher = Watcher(root)
    assert watcher.look(0) == []
    assert watcher.look(100) == ["text_in_wild", "handwriting_train", "handwriting_valid"]
    return watcher


def test_what_stays_as_it_is_starts_once(root: Path) -> None:
    watcher = settled(root)
    assert watcher.look(300) == [] and watcher.look(900) == []


def test_only_the_partition_that_changed_starts(root: Path) -> None:
    watcher = settled(root)
    put(root / f"{TRAINING}/라벨링데이터/TL/b/2.json")
    assert watcher.look(200) == []
    assert watcher.look(300) == ["handwriting_train"]
    (root / f"{VALIDATION}/라벨링데이터/VL/1.json").write_text('{"longer": 1}')
    assert [watcher.look(400), watcher.look(500)] == [[], ["handwriting_valid"]]


def test_a_delivery_that_is_still_copied_waits_even_if_its_files_keep_old_times(root: Path) -> None:
    watcher = settled(root)
    for number in range(5):
        os.utime(put(root / f"{TRAINING}/라벨링데이터/TL/b/{number}.json"), (1e9, 1e9))
        assert watcher.look(200 + 60 * number) == []
    assert [watcher.look(530), watcher.look(541)] == [[], ["handwriting_train"]]


def test_a_marker_ends_the_waiting_and_an_old_one_does_not(root: Path) -> None:
    watcher = settled(root)
    put(root / f"{TRAINING}/라벨링데이터/TL/b/2.json")
    assert watcher.look(200) == []
    put(root / TRAINING / "_DELIVERED")
    assert watcher.look(201) == ["handwriting_train"]
    put(root / f"{TRAINING}/라벨링데이터/TL/b/3.json")
    assert watcher.look(202) == []
    put(root / TRAINING / "_DELIVERED", "second delivery")
    assert watcher.look(203) == ["handwriting_train"]


def test_a_marker_above_the_splits_speaks_for_both(root: Path) -> None:
    put(root / HANDWRITING / "_DELIVERED")
    assert Watcher(root).look(0) == ["handwriting_train", "handwriting_valid"]


def test_what_shrank_waits_longer_and_what_came_back_starts_again_each_time(root: Path) -> None:
    put(root / f"{TRAINING}/라벨링데이터/TL/b/2.json")
    watcher, now = settled(root), 100.0
    for _ in range(3):
        (root / f"{TRAINING}/라벨링데이터/TL/b").rename(root / "away")
        assert [watcher.look(now + 1), watcher.look(now + 600)] == [[], []]
        assert watcher.look(now + 601) == ["handwriting_train"]
        (root / "away").rename(root / f"{TRAINING}/라벨링데이터/TL/b")
        assert [watcher.look(now + 700), watcher.look(now + 800)] == [[], ["handwriting_train"]]
        now += 800
    assert len(watcher.keys) == len(set(watcher.keys)) == 3 + 6, "Dagster starts no run of a key that it knows"


def test_what_is_back_before_it_counts_as_gone_starts_nothing(root: Path) -> None:
    put(root / f"{TRAINING}/라벨링데이터/TL/b/2.json")
    watcher = settled(root)
    (root / f"{TRAINING}/라벨링데이터/TL/b").rename(root / "away")
    assert [watcher.look(200), watcher.look(500)] == [[], []]
    (root / "away").rename(root / f"{TRAINING}/라벨링데이터/TL/b")
    assert [watcher.look(600), watcher.look(5000)] == [[], []]


def test_a_set_that_vanished_with_its_mount_starts_nothing(root: Path) -> None:
    watcher = settled(root)
    shutil.rmtree(root / HANDWRITING)
    assert watcher.look(200) == [] and watcher.look(900) == []


def test_short_looks_see_the_same_as_one_long_one(root: Path) -> None:
    for number in range(7):
        put(root / f"{TRAINING}/라벨링데이터/TL/{number}/x/{number}.json")
    whole, parts = Sweep(), Sweep()
    walk_on(Share(root), whole, marker="_DELIVERED", until=float("inf"))
    looks = 0
    while not parts.is_over:
        walk_on(Share(root), parts, marker="_DELIVERED", until=0.0)
        parts = msgspec.json.decode(msgspec.json.encode(parts), type=Sweep)
        looks += 1
    assert parts == whole and looks > 10
    assert sum(tally.files for tally in whole.tallies.values()) == 11


def test_the_cursor_does_not_grow_with_the_share(root: Path) -> None:
    watcher = settled(root)
    before = len(msgspec.json.encode(watcher.watch))
    for number in range(300):
        put(root / f"{TRAINING}/라벨링데이터/TL/{number}/1.json")
    watcher.look(200)
    assert len(msgspec.json.encode(watcher.watch)) < before + 50


def test_the_sensor_requests_partitions_under_keys_of_their_content(root: Path) -> None:
    first = tick(root, quiet_seconds=0)
    again = tick(root, first.cursor)
    lost = tick(root, quiet_seconds=0)
    assert [request.partition_key for request in first.run_requests] == [
        "text_in_wild",
        "handwriting_train",
        "handwriting_valid",
    ]
    assert isinstance(again, dg.SkipReason) and "nothing of it is published, " in again.skip_message
    assert [r.run_key for r in lost.run_requests] == [r.run_key for r in first.run_requests]
    assert "1 files, 0 when it last ran" in first.run_requests[0].tags["ocr_pipeline/why"]


def test_the_sensor_says_what_it_waits_for(root: Path) -> None:
    told = tick(root)
    assert isinstance(told, dg.SkipReason) and "handwriting_train (2 files" in told.skip_message
    told = tick(root, tick_seconds=0)
    assert isinstance(told, dg.SkipReason) and "goes on at the next tick" in told.skip_message


def test_a_tick_of_the_code_location_over_an_instance(
    root: Path, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PIPELINE_QUIET_SECONDS", "0")
    locations = Locations(source=str(root), output=str(tmp_path / "output"))
    repository = build_definitions(locations).get_repository_def()
    resources = {"locations": locations}
    with dg.build_sensor_context(instance=instance, repository_def=repository, resources=resources) as context:
        tick = repository.get_sensor_def("share_watch").evaluate_tick(context)
    assert [request.partition_key for request in tick.run_requests] == [
        "text_in_wild",
        "handwriting_train",
        "handwriting_valid",
    ]
    assert tick.run_requests[1].tags["dagster/partition"] == "handwriting_train"
    assert read_cursor(tick.cursor, str(root)).started["handwriting_train"].files == 2


def test_a_share_that_is_not_there_fails_the_tick_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Mount the share"):
        tick(tmp_path / "nowhere")


def test_the_night_begins_where_a_set_is_there(root: Path, tmp_path: Path) -> None:
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2030, 1, 2, 3))
    nightly_data = nightly_schedule(SETTINGS)
    assert nightly_data(context, locations=Locations(source=str(root))).run_key == "2030-01-02"
    (tmp_path / "empty").mkdir()
    assert isinstance(nightly_data(context, locations=Locations(source=str(tmp_path / "empty"))), dg.SkipReason)


def test_everything_is_off_until_one_line_turns_it_on(tmp_path: Path) -> None:
    off = AutomationSettings()
    assert not (off.watch or off.nightly or off.train_share)
    assert AutomationSettings.from_environment({"OCR_PIPELINE_WATCH": "1"}).watch
    (tmp_path / "recipe.yaml").write_text("automation: {watch: true, train_share: 0.1, nightly: off}")
    chosen = partial(recipe_settings, AutomationSettings, "automation", Workspace(tmp_path))
    assert (chosen({}).watch, chosen({}).train_share, chosen({}).nightly) == (True, 0.1, None)
    assert not chosen({"OCR_PIPELINE_WATCH": "0"}).watch
    with pytest.raises(PipelineError, match="OCR_PIPELINE_QUIET_SECONDS"):
        chosen({"OCR_PIPELINE_QUIET_SECONDS": "soon"})
    (tmp_path / "recipe.yaml").write_text("automation: {wach: true}")
    with pytest.raises(PipelineError, match="Did you mean watch"):
        chosen({})
    repository = build_definitions().get_repository_def()
    assert repository.get_sensor_def("share_watch").default_status == dg.DefaultSensorStatus.STOPPED
    assert repository.get_schedule_def("nightly_data").default_status == dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("wall", "running", "boot", "jump"),
    [
        (1060, 560, "a", 0),  # a minute later
        (1062, 560, "a", 0),  # the time server corrects
        (87_460, 560, "a", 86_400),  # somebody set the clock
        (1060 - 86_400, 560, "a", -86_400),
        (90_000, 10, "b", 0),  # the machine was off for a day
        (900, 10, "b", -100),  # and its battery is empty
        (1060, 560, "", 0),  # no clock that nobody can set
    ],
)
def test_a_clock_that_is_set_is_told_from_time_that_passed(wall: int, running: int, boot: str, jump: int) -> None:
    assert Clock(wall, running, boot).set_by_since(Clock(1000, 500, "a" if boot else "")) == jump


def test_waiting_goes_on_when_the_clock_is_set(root: Path) -> None:
    watch = Watch(clock=Clock(1000, 500, "a"), looked=990.0, seen={"handwriting_train": (Tally("x", 1), 940.0)})
    watch.follow_clock(Clock(87_460, 560, "a"))
    assert watch.seen["handwriting_train"][1] == 940.0 + 86_400 and watch.looked == 990.0 + 86_400


@pytest.mark.parametrize("cursor", ["{", '{"seen": 7}', '{"place": "PLACE", "sweep": {"walked": 99}}'])
def test_a_cursor_that_no_longer_fits_is_begun_anew(root: Path, cursor: str) -> None:
    assert read_cursor(cursor.replace("PLACE", str(root)), str(root)) == Watch(place=str(root))


def test_a_look_ends_in_the_midst_of_a_folder_and_goes_on_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BLOCK", 3)
    folder = root / TRAINING / "라벨링데이터/TL/a"
    for number in range(10):
        (folder / f"{number}.json").write_text("{}")
    whole, parts, places = Sweep(), Sweep(), set()
    walk_on(Share(str(root)), whole, marker="_DELIVERED", until=float("inf"))
    while not parts.is_over:
        walk_on(Share(str(root)), parts, marker="_DELIVERED", until=0.0)
        places.add(parts.within)
        parts = msgspec.json.decode(msgspec.json.encode(parts), type=Sweep)
    assert parts == whole and {0, 3, 6, 9} <= places


def test_files_that_answer_slowly_are_asked_many_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, asking = local_files._state, set()

    def slow(name: str, folder: int):
        time.sleep(0.001)
        asking.add(threading.get_ident())
        return state(name, folder)

    monkeypatch.setattr(local_files, "_state", slow)
    (root / "many").mkdir()
    for number in range(2000):
        (root / "many" / f"{number}.json").touch()
    assert len([entry.size for entry in Share(str(root)).walk("many")]) == 2000
    assert len(asking) > 4


def test_a_share_that_never_answers_ends_the_tick_by_its_name(root: Path) -> None:
    with pytest.raises(PipelineError, match=r"has not answered for 0\.05 s"):
        in_time(partial(time.sleep, 0.5), Share(str(root)), seconds=0.05)
    assert in_time(lambda: 7, Share(str(root))) == 7


def test_the_night_is_that_of_a_named_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nightly_schedule(AutomationSettings(timezone="Asia/Seoul")).execution_timezone == "Asia/Seoul"
    monkeypatch.setattr("tzlocal.get_localzone_name", lambda: "Europe/Berlin")
    night = nightly_schedule(AutomationSettings())
    assert night.execution_timezone == "Europe/Berlin" and "Europe/Berlin" in night.description
    with pytest.raises(PipelineError, match=r"no time zone 'KST'.*Asia/Seoul"):
        AutomationSettings(timezone="KST")
