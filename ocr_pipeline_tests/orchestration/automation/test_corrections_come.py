"""Corrections are delivered as label files are: the share watch starts the data job of their partition."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.automation.share_watch import look
from ocr_pipeline.orchestration.automation.watched import Watch
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import hand_tree, write_tree

SETTINGS = AutomationSettings(watch=True, quiet_seconds=100)


def test_corrections_start_their_partition_once_and_so_does_taking_them_back(tmp_path: Path) -> None:
    share = Share(write_tree(tmp_path / "share", hand_tree(2)))
    watch, effects = Watch(place=str(share.place)), dict[str, str]()

    def started(now: float) -> list[tuple[str, bool]]:
        changes = look(share, watch, SETTINGS, now, lambda partition: effects.get(partition, ""))
        settled = [change for change in changes if not change.waits]
        for change in settled:
            watch.start(change)
        return [(change.partition, "corrections came" in change.why) for change in settled]

    assert [started(0), started(100), started(300)] == [[], [("handwriting_train", False)], []]
    effects["handwriting_train"] = "a review"
    effects["public_admin_train"] = "of a set that is not here"
    assert [started(400), started(499), started(500)] == [[], [], [("handwriting_train", True)]]
    assert started(700) == []
    effects.clear()
    assert [started(800), started(900)] == [[], [("handwriting_train", True)]]
