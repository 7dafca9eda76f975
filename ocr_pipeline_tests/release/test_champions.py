"""Promotion, the previous champion and the way back are one recorded act, whatever breaks it off."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli.champions import champions, rollback
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.champions import UnknownCheckpointError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input, manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline_tests.storage.artifacts.test_kills import killed_before

SCORES = {"bad": 0.1, "first": 0.5, "second": 0.6, "third": 0.7}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


def train(workspace: Workspace, name: str, contest: Contest = DETECTOR) -> None:
    """Publish a candidate whose weights are its name."""
    with publication(
        contest.candidate(workspace),
        stage=contest.name,
        partition="",
        code_version="1",
        settings={},
        inputs=[Input(name, name), Input("valid", "v", VALIDATION)],
        has_quarantine=False,
    ) as made:
        if contest is RECOGNIZER:
            with made.folder() as draft:
                (draft / "adapter.txt").write_text(name)
        else:
            with made.file() as draft:
                draft.write_text(name)
        made.metrics, made.fingerprint = {"hmean": SCORES[name], "cer": 1 - SCORES[name]}, fingerprint_of([name])


def crown(workspace: Workspace, *names: str, contest: Contest = DETECTOR) -> None:
    for name in names:
        train(workspace, name, contest)
        contest.promote(workspace, f"{name} is better")


def used(workspace: Workspace) -> str:
    found = DETECTOR.in_use(workspace)
    text = found.checkpoint.read_text()
    assert fingerprint_of([text]) == found.manifest.fingerprint and found.manifest.metrics["hmean"] == SCORES[text]
    return text


def whats(workspace: Workspace) -> list[str]:
    return [act.what for act in DETECTOR.champions(workspace).ledger().acts]


def test_every_change_is_recorded_and_there_is_a_way_back(workspace: Workspace) -> None:
    crown(workspace, "first", "second", "third")
    of_detector = DETECTOR.champions(workspace)
    assert of_detector.previous.read_text() == "second"
    of_detector.roll_back(why="it misses small words")
    assert (used(workspace), workspace.fast_champion.read_text()) == ("second", "second")
    assert of_detector.previous.read_text() == "third"
    of_detector.roll_back()
    assert used(workspace) == "first"
    with pytest.raises(PipelineError, match="no other champion before this one"):
        of_detector.roll_back()
    of_detector.roll_back(fingerprint_of(["third"])[:8])
    assert used(workspace) == "third" and whats(workspace) == ["promoted"] * 3 + ["rolled back"] * 3
    assert of_detector.ledger().acts[3].why == "it misses small words"


def test_what_was_rolled_back_is_not_promoted_again_by_itself(workspace: Workspace) -> None:
    crown(workspace, "first", "second")
    DETECTOR.champions(workspace).roll_back()
    verdict = DETECTOR.judge(workspace)
    assert not verdict.passed and "rolled back" in verdict.why
    DETECTOR.promote(workspace)
    assert used(workspace) == "second"
    crown(workspace, "first")
    train(workspace, "second")
    assert DETECTOR.judge(workspace).passed


def test_a_manifest_that_is_lost_is_known_by_the_bytes(workspace: Workspace) -> None:
    crown(workspace, "first", "second")
    manifest_path(workspace.fast_champion).unlink()
    train(workspace, "bad")
    assert not DETECTOR.judge(workspace).passed and used(workspace) == "second"
    crown(workspace, "third")
    assert read_manifest(workspace.fast_champion).metrics["hmean"] == 0.7
    assert DETECTOR.champions(workspace).previous.read_text() == "second"


def test_a_champion_that_is_deleted_is_put_back(workspace: Workspace) -> None:
    crown(workspace, "first")
    workspace.fast_champion.unlink()
    assert used(workspace) == "first"
    train(workspace, "bad")
    assert not DETECTOR.judge(workspace).passed


@pytest.mark.parametrize("damage", ["no manifest", "truncated", "damaged manifest"])
def test_what_nobody_knows_is_refused_and_never_written_over(workspace: Workspace, damage: str) -> None:
    crown(workspace, "first")
    workspace.fast_champion.write_text("by hand" if damage != "truncated" else "fir")
    if damage == "no manifest":
        manifest_path(workspace.fast_champion).unlink()
    if damage == "damaged manifest":
        manifest_path(workspace.fast_champion).write_text("{")
    there = workspace.fast_champion.read_text()
    train(workspace, "third")
    verdict = DETECTOR.judge(workspace)
    assert not verdict.passed and str(workspace.fast_champion) in verdict.why
    for act in (DETECTOR.promote, DETECTOR.in_use):
        with pytest.raises(UnknownCheckpointError):
            act(workspace)
    assert workspace.fast_champion.read_text() == there
    DETECTOR.promote(workspace, despite_unknown=True)
    assert used(workspace) == "third"
    assert workspace.fast_champion.with_name("fast_champion.unknown.pth").read_text() == there


def test_a_champion_without_a_manifest_is_none_to_be_replaced(workspace: Workspace) -> None:
    """As a copy by hand leaves it, where no record was ever kept."""
    workspace.fast_champion.parent.mkdir(parents=True)
    workspace.fast_champion.write_text("weights of months")
    train(workspace, "bad")
    assert not DETECTOR.judge(workspace).passed
    with pytest.raises(UnknownCheckpointError, match="no manifest"):
        DETECTOR.promote(workspace)


def test_one_put_there_by_hand_with_its_manifest_is_found_and_recorded(workspace: Workspace) -> None:
    crown(workspace, "first", "second")
    previous = DETECTOR.champions(workspace).previous
    for source, target in (
        (previous, workspace.fast_champion),
        (manifest_path(previous), manifest_path(workspace.fast_champion)),
    ):
        shutil.copy(source, target)
    assert used(workspace) == "first"
    crown(workspace, "third")
    assert whats(workspace) == ["promoted", "promoted", "found", "promoted"] and used(workspace) == "third"


def test_a_candidate_whose_weights_are_not_those_that_were_published_is_refused(workspace: Workspace) -> None:
    crown(workspace, "first")
    train(workspace, "third")
    workspace.fast_checkpoint.write_text("other weights")
    for act in (DETECTOR.judge, DETECTOR.promote):
        with pytest.raises(PipelineError, match="not as it was published"):
            act(workspace)
    assert used(workspace) == "first"


def promotion(workspace: Workspace) -> object:
    return RECOGNIZER.promote(workspace, "third is better")


def going_back(workspace: Workspace) -> object:
    return RECOGNIZER.champions(workspace).roll_back()


@pytest.mark.kill
@pytest.mark.parametrize(("act", "after"), [(promotion, "third"), (going_back, "first")])
def test_a_process_killed_before_any_step_leaves_one_champion_and_the_next_act_heals(
    tmp_path: Path, act: Callable[[Workspace], object], after: str
) -> None:
    calm = tmp_path / "calm"
    crown(Workspace(calm), "first", "second", contest=RECOGNIZER)
    train(Workspace(calm), "third", RECOGNIZER)
    status, step = signal.SIGKILL.value, 0
    while status == signal.SIGKILL:
        workspace = Workspace(Path(shutil.copytree(calm, tmp_path / str(step))))
        status = killed_before(step, partial(act, workspace))
        found = RECOGNIZER.in_use(workspace)
        assert read_manifest(workspace.dlora_champion) or found.checkpoint != workspace.dlora_champion
        name = (found.checkpoint / "adapter.txt").read_text()
        assert name in ("second", after) and found.manifest.fingerprint == fingerprint_of([name])
        changed = len(RECOGNIZER.champions(workspace).ledger().acts) == 3
        assert changed is (name == after)
        if not changed:
            act(workspace)
        else:
            RECOGNIZER.champions(workspace).promote(found.checkpoint, found.manifest, "the same again")
        assert (workspace.dlora_champion / "adapter.txt").read_text() == after
        assert (RECOGNIZER.champions(workspace).previous / "adapter.txt").read_text() == "second"
        assert RECOGNIZER.champions(workspace).ledger().is_settled
        step += 1
    assert os.WEXITSTATUS(status) == 0 and step > 10


def test_the_command_line_tells_and_goes_back(workspace: Workspace) -> None:
    crown(workspace, "first", "second")
    run = CliRunner()
    told = run.invoke(champions, ["--output", str(workspace.root)]).output
    assert "hmean 0.6000" in told and "in use" in told and fingerprint_of(["first"]) in told
    done = run.invoke(rollback, ["detector", "--why", "worse by eye", "--output", str(workspace.root)])
    assert done.exit_code == 0 and "hmean 0.5000" in done.output and used(workspace) == "first"
    assert "worse by eye" in run.invoke(champions, ["--output", str(workspace.root)]).output
