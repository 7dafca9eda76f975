"""A remedy that an error names helps: it is followed as it stands, and then the command works."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import manifest_path, quarantine_path
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.cli.running import invoke
from ocr_pipeline_tests.trees import HAND_LABELS, hand_tree, write_tree

PARTITION = "handwriting_train"
MOST_STEPS = 4
STAGES_USED = ("merged_json", "lookup", "annotations")


class Desk:
    """A person who runs commands over one share, and does what their errors say."""

    def __init__(self, folder: Path) -> None:
        self.share, self.workspace = write_tree(folder / "share", hand_tree(5)), Workspace(folder / "out")

    def run(self, *words: str) -> None:
        place = () if "--output" in words else ("--output", self.workspace.root)
        if words[0] in [STAGES[stage].command for stage in stages_of("data")]:
            place = (*place, "--source", self.share)
        named = ("--partition", PARTITION) if "--partition" not in words and words[0] != "read" else ()
        code, said = invoke(words[0], *words[1:], *named, *place)
        assert code == 0, said

    def run_with_remedies(self, *words: str) -> list[str]:
        """The remedies that were followed until the command ran."""
        followed: list[str] = []
        while error := self.error_of(*words):
            assert len(followed) < MOST_STEPS, f"in a circle: {followed}"
            followed.append(error.remedy)
            words = self.follow(error, words)
        return followed

    def error_of(self, *words: str) -> PipelineError | None:
        try:
            self.run(*words)
        except PipelineError as error:
            return error
        return None

    def follow(self, error: PipelineError, words: tuple[str, ...]) -> tuple[str, ...]:
        """Delete what is to be deleted, run what is to be run; the words that the command is tried again with."""
        places = [Path(place) for place in error.where.split(", ")]
        if "manifest" in error.remedy:
            remove(*map(manifest_path, places))
        if error.remedy.startswith("Delete") and not error.remedy.startswith("Delete the manifest"):
            remove(*places)
        for line in re.findall(r"`ocr-pipeline ([^`]+)`", error.remedy):
            self.run(*shlex.split(line))
        for asset in re.findall(r"aterialise (\w+)", error.remedy):
            stages = [asset] if asset in STAGES else STAGES_USED
            for stage in stages:
                self.run(STAGES[stage].command)
        return (*words, *re.findall(r"--(?:accept-loss|overwrite)", error.remedy))


def remove(*paths: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def spoil(path: Path) -> None:
    """Other bytes, as many as before."""
    path.write_bytes(b"\xff" * path.stat().st_size)


def lose_labels(desk: Desk) -> None:
    for label in sorted((desk.share / HAND_LABELS).rglob("*.json"))[:3]:
        label.unlink()


def merged(desk: Desk) -> Path:
    return desk.workspace.merged_json(PARTITION)


def lookup(desk: Desk) -> Path:
    return desk.workspace.lookup(PARTITION)


def beside_lookup(desk: Desk, word: str) -> Path:
    return lookup(desk).with_name(f"{lookup(desk).name}.{word}")


def crops(desk: Desk) -> Path:
    return desk.workspace.annotations("handwriting", "train", "jsonl")


CASES: dict[str, tuple[Callable[[Desk], object], str]] = {
    "labels are gone from the share": (lose_labels, "merge"),
    "no merged JSON": (lambda desk: remove(merged(desk), lookup(desk)), "lookup"),
    "no merged JSON for crops": (lambda desk: remove(merged(desk), lookup(desk)), "annotations"),
    "no lookup": (lambda desk: remove(lookup(desk)), "layout --rebuild"),
    "no crops": (lambda desk: remove(crops(desk)), "export-data FOLDER --to ppocr"),
    "a damaged merged JSON": (lambda desk: spoil(merged(desk)), "annotations --rebuild"),
    "a damaged merged JSON for the lookup": (lambda desk: spoil(merged(desk)), "lookup --rebuild"),
    "a damaged lookup": (lambda desk: spoil(beside_lookup(desk, "names")), "annotations --rebuild"),
    "damaged stamps": (lambda desk: spoil(beside_lookup(desk, "stamps")), "annotations --rebuild"),
    "a damaged manifest": (lambda desk: spoil(manifest_path(merged(desk))), "annotations"),
    "a damaged manifest of its own": (lambda desk: spoil(manifest_path(merged(desk))), "merge"),
    "two damaged manifests": (
        lambda desk: [spoil(manifest_path(path)) for path in (merged(desk), lookup(desk))],
        "status",
    ),
    "damaged bytes": (lambda desk: [spoil(lookup(desk)), spoil(crops(desk))], "status --verify"),
    "a damaged quarantine": (lambda desk: spoil(quarantine_path(merged(desk))), "quarantine"),
    "files of somebody at the output": (
        lambda desk: write_tree(desk.share.parent / "FOLDER", {"mine": b""}),
        "export-data FOLDER --to ppocr",
    ),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One for all cases: what a remedy mended is whole again."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    for stage in STAGES_USED:
        desk.run(STAGES[stage].command)
    return desk


@pytest.mark.parametrize("case", CASES)
def test_a_remedy_helps(desk: Desk, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.share.parent)
    spoils, line = CASES[case]
    spoils(desk)
    assert desk.run_with_remedies(*shlex.split(line)), "nothing was wrong"
    desk.run("status", "--verify")
