"""What the watch started, compared with what became of it."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import dagster as dg

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.orchestration.automation.follow_up import PATIENCE, Outcome, follow_up, given_up, outcome_of
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.sweep import Tally
from ocr_pipeline.orchestration.automation.watched import FILES_TAG, Watch
from ocr_pipeline.orchestration.jobs import DATA_JOB
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import hand_tree, write_tree

KEY = "handwriting_train"
SETTINGS = AutomationSettings(watch=True, quiet_seconds=100)
WHOLE, PART = Tally("whole", files=9), Tally("part", files=8)
WELL = Outcome(published=50, files="whole")


class Followed:
    """A watch that started a partition at 0, and is asked at given times."""

    def __init__(self) -> None:
        self.watch = Watch(seen={KEY: (WHOLE, 0)}, started={KEY: WHOLE}, starts={KEY: 1}, looked=0)
        self.keys: list[str | None] = []

    def at(self, now: float, outcome: Outcome) -> list[str]:
        """Why the partition is started again now."""
        changes = [c for c in follow_up(self.watch, SETTINGS, now, lambda _: outcome) if not c.waits]
        for change in changes:
            self.watch.start(change)
            self.keys.append(change.request.run_key)
        return [change.why for change in changes]


def test_what_succeeded_or_is_under_way_or_was_ended_by_a_person_is_left_alone() -> None:
    followed = Followed()
    assert followed.at(1000, WELL) == followed.at(1000, Outcome(is_left_alone=True)) == []


def test_a_failure_is_asked_again_with_bounded_patience() -> None:
    followed, now, waited = Followed(), 1000.0, []
    for _ in range(PATIENCE):
        failed = Outcome(failed=now, published=50, files="whole")
        pause = next(pause for pause in (100, 200, 400, 800) if followed.at(now + pause, failed))
        assert pause == 100 or not followed.at(now + pause - 1, failed)
        waited.append(pause)
        now += pause
    assert waited == [100, 200, 400] and len(set(followed.keys)) == PATIENCE
    assert followed.at(1e9, Outcome(failed=now, published=50, files="whole")) == []
    assert given_up(followed.watch) == [KEY]
    assert followed.at(1e9, WELL) == [] and given_up(followed.watch) == []


def test_what_came_back_is_repaired_if_something_was_published_meanwhile() -> None:
    for published, expected in ((150, []), (250, ["it came back, and something was published while it was otherwise"])):
        followed = Followed()
        followed.watch.see({KEY: WHOLE}, 200)
        followed.watch.see({KEY: PART}, 300)
        assert followed.at(300, WELL) == []
        followed.watch.see({KEY: WHOLE}, 400)
        outcome = Outcome(published=published, files="whole")
        assert [followed.at(499, outcome), followed.at(500, outcome)] == [[], expected]
        assert followed.at(5000, outcome) == [], "once is enough, though nothing was published anew"


def test_a_set_that_was_away_with_its_mount_is_repaired_too() -> None:
    followed = Followed()
    followed.watch.see({}, 300)
    followed.watch.see({KEY: WHOLE}, 400)
    assert followed.at(500, Outcome(published=350, files="whole"))


def test_a_lost_cursor_does_not_hide_that_the_last_run_was_for_other_files() -> None:
    assert Followed().at(1000, Outcome(published=50, files="part")) == ["its last run was for other files"]


def test_the_outcome_is_that_of_the_last_run_and_of_what_is_published(tmp_path: Path) -> None:
    share, workspace = Share(write_tree(tmp_path / "share", hand_tree(2))), Workspace(tmp_path / "output")
    instance = dg.DagsterInstance.ephemeral()
    assert outcome_of(instance, workspace, KEY) == Outcome()
    began = time.time()
    merge_labels(share, source_partition(KEY), workspace, workers=1)
    assert outcome_of(instance, workspace, KEY).published == 0
    build_lookup(share, source_partition(KEY), workspace)
    assert outcome_of(instance, workspace, KEY).published >= began - 1
    run(instance, workspace, dg.DagsterRunStatus.SUCCESS)
    assert run(instance, workspace, dg.DagsterRunStatus.FAILURE).failed >= began - 1
    assert run(instance, workspace, dg.DagsterRunStatus.CANCELED).is_left_alone
    assert run(instance, workspace, dg.DagsterRunStatus.STARTED).is_left_alone
    assert run(instance, workspace, dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"}).is_left_alone
    well = run(instance, workspace, dg.DagsterRunStatus.SUCCESS)
    assert (well.is_left_alone, well.failed, well.files) == (False, 0, "whole")


def run(instance: dg.DagsterInstance, workspace: Workspace, status: dg.DagsterRunStatus, **tags: str) -> Outcome:
    """The outcome after a further run of this status."""
    tags = {"dagster/partition": KEY, FILES_TAG: "whole", **tags}
    instance.add_run(dg.DagsterRun(job_name=DATA_JOB, run_id=str(uuid.uuid4()), status=status, tags=tags))
    return outcome_of(instance, workspace, KEY)
