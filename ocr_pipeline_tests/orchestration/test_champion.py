"""A new checkpoint becomes champion through its check only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.assets.champion import CHECKS, detector_champion
from ocr_pipeline.orchestration.assets.training import training_assets
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, ChampionSettings, Contest
from ocr_pipeline.release.sections import loaded_sections
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.vouching import write_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of


def publish(
    artifact: Path,
    text: str,
    metrics: dict[str, float],
    valid: str = "v1",
    settings: dict[str, Any] | None = None,
    fingerprint: str = "",
) -> None:
    """A checkpoint: a file where the name has a suffix, else a folder."""
    if artifact.suffix:
        artifact.parent.mkdir(parents=True, exist_ok=True)
        artifact.write_text(text)
    else:
        artifact.mkdir(parents=True, exist_ok=True)
        (artifact / "adapter.txt").write_text(text)
    inputs = [Input("a_validated_train_layout.lmdb", text)]  # of one's own naming
    inputs += [Input("a_valid_layout.lmdb", valid, VALIDATION)] if valid else []
    write_manifest(
        artifact,
        Manifest(
            stage="x",
            partition="",
            code_version="1",
            settings=settings or {},
            inputs=inputs,
            fingerprint=fingerprint or fingerprint_of([text]),
            metrics=metrics,
        ),
    )


def crowned(workspace: Workspace, hmean: float) -> None:
    publish(workspace.fast_checkpoint, "first", {"hmean": hmean})
    DETECTOR.promote(workspace)


@pytest.mark.parametrize(
    ("metrics", "passed", "why"),
    [
        ({"hmean": 0.85}, True, "0.8500"),
        ({"hmean": 0.80 - ChampionSettings.tolerance / 2}, True, "0.8000"),
        ({"hmean": 0.80 - ChampionSettings.tolerance * 2}, False, "0.8000"),
        ({}, False, "not validated"),
    ],
)
def test_a_candidate_is_judged_on_the_champions_validation_data(
    workspace: Workspace, metrics: dict[str, float], passed: bool, why: str
) -> None:
    crowned(workspace, 0.80)
    publish(workspace.fast_checkpoint, "second", metrics)
    verdict = DETECTOR.judge(workspace)
    assert verdict.passed is passed and why in verdict.why


def contest_that_scores(hmean: float, asked: list[tuple[Path, list[str]]]) -> Contest:
    def score(checkpoint: Path, valid: Sequence[Path], settings: dict[str, Any]) -> dict[str, float]:
        asked.append((checkpoint, [path.name for path in valid]))
        return {"hmean": hmean}

    return replace(DETECTOR, score=score)


def test_on_new_validation_data_the_champion_is_scored_again_and_once(workspace: Workspace) -> None:
    crowned(workspace, 0.80)
    publish(workspace.root / "a_valid_layout.lmdb", "v2", {}, fingerprint="v2")
    publish(workspace.fast_checkpoint, "second", {"hmean": 0.50}, "v2")
    asked: list[tuple[Path, list[str]]] = []
    contest = contest_that_scores(0.45, asked)
    verdict = contest.judge(workspace)
    assert verdict.passed and (verdict.candidate, verdict.champion) == (0.50, 0.45)
    assert verdict.why == "hmean 0.5000, the champion, scored again, has 0.4500"
    assert contest.judge(workspace) == verdict
    assert asked == [(workspace.fast_champion, ["a_valid_layout.lmdb"])]
    publish(workspace.fast_checkpoint, "third", {"hmean": 0.30}, "v2")
    assert not contest.judge(workspace).passed and len(asked) == 1


def test_a_score_is_measured_anew_for_another_champion_or_other_samples(workspace: Workspace) -> None:
    crowned(workspace, 0.80)
    asked: list[tuple[Path, list[str]]] = []
    contest = contest_that_scores(0.45, asked)
    publish(workspace.root / "a_valid_layout.lmdb", "v2", {}, fingerprint="v2")
    for samples in (10, 20):
        publish(workspace.fast_checkpoint, "second", {"hmean": 0.50}, "v2", settings={"val_max_samples": samples})
        contest.judge(workspace)
    contest.promote(workspace)
    publish(workspace.fast_checkpoint, "third", {"hmean": 0.60}, "v2", settings={"val_max_samples": 10})
    contest.judge(workspace)
    assert len(asked) == 3


def test_a_candidate_that_does_not_say_what_it_was_validated_on_is_not_believed(workspace: Workspace) -> None:
    crowned(workspace, 0.80)
    publish(workspace.fast_checkpoint, "second", {"hmean": 0.99}, valid="")
    verdict = DETECTOR.judge(workspace)
    assert not verdict.passed and "names no validation data" in verdict.why


def test_a_candidate_whose_validation_data_is_gone_has_to_be_trained_again(workspace: Workspace) -> None:
    crowned(workspace, 0.80)
    publish(workspace.root / "a_valid_layout.lmdb", "v3", {}, fingerprint="v3")
    publish(workspace.fast_checkpoint, "second", {"hmean": 0.99}, "v2")
    with pytest.raises(PipelineError, match="Materialise fast_checkpoint again"):
        DETECTOR.judge(workspace)


def test_of_errors_fewer_are_better(workspace: Workspace) -> None:
    publish(workspace.dlora_checkpoint, "first", {"cer": 0.10})
    RECOGNIZER.promote(workspace)
    publish(workspace.dlora_checkpoint, "second", {"cer": 0.20})
    assert not RECOGNIZER.judge(workspace).passed
    publish(workspace.dlora_checkpoint, "third", {"cer": 0.05})
    assert RECOGNIZER.judge(workspace).passed
    RECOGNIZER.promote(workspace)
    assert (workspace.dlora_champion / "adapter.txt").read_text() == "third"
    previous = workspace.dlora_champion.with_name("dlora_champion.previous")
    assert (previous / "adapter.txt").read_text() == "first" and read_manifest(previous).metrics == {"cer": 0.10}


def test_the_champion_and_the_one_before_it_stay_whole(workspace: Workspace) -> None:
    crowned(workspace, 0.5)
    DETECTOR.promote(workspace)
    previous = workspace.fast_champion.with_name("fast_champion.previous.pth")
    assert not previous.exists()
    publish(workspace.fast_checkpoint, "second", {"hmean": 0.6})
    DETECTOR.promote(workspace)
    assert (previous.read_text(), workspace.fast_champion.read_text()) == ("first", "second")
    said = [read_manifest(path) for path in (workspace.fast_champion, workspace.fast_checkpoint)]
    assert len({repr(msgspec.structs.replace(each, files={}, sizes={})) for each in said}) == 1
    assert said[0].files == {"": fingerprint_file(workspace.fast_champion)}


def materialise(workspace: Workspace, promote: bool = False) -> dg.ExecuteInProcessResult:
    @dg.asset(name="fast_checkpoint")
    def trained() -> None:
        pass

    return dg.materialize(
        [detector_champion, trained, *CHECKS[:1]],
        selection=[detector_champion] if promote else None,
        resources={"locations": Locations(output=str(workspace.root))},
        run_config={"ops": {"fast_champion": {"config": {"promote": promote}}}},
        raise_on_error=False,
    )


def test_that_the_champion_stays_is_a_decision_and_no_failure(workspace: Workspace) -> None:
    publish(workspace.fast_checkpoint, "first", {"hmean": 0.8})
    assert materialise(workspace).success
    publish(workspace.fast_checkpoint, "worse", {"hmean": 0.2})
    result = materialise(workspace)
    (evaluation,) = result.get_asset_check_evaluations()
    assert result.success and not evaluation.passed and "0.2000" in evaluation.description
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    (shown,) = result.asset_materializations_for_node("fast_champion")
    assert shown.metadata["decision"].value == "kept" and "0.2000" in str(shown.metadata["why"].value)
    assert workspace.fast_champion.read_text() == "first"
    assert materialise(workspace, promote=True).success
    assert workspace.fast_champion.read_text() == "worse"


def test_a_champion_asked_for_alone_decides_too(workspace: Workspace) -> None:
    crowned(workspace, 0.8)
    publish(workspace.fast_checkpoint, "worse", {"hmean": 0.2})
    locations = Locations(output=str(workspace.root))
    result = dg.materialize(
        [detector_champion, *training_assets(locations, AutomationSettings(), loaded_sections(workspace))[:1]],
        selection=[detector_champion],
        resources={"locations": locations},
        raise_on_error=False,
    )
    (shown,) = result.asset_materializations_for_node("fast_champion")
    assert result.success and shown.metadata["decision"].value == "kept"
    assert workspace.fast_champion.read_text() == "first"
