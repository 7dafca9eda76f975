"""A third recognizer is a module and one line: then everything that reads takes it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ocr_pipeline.cli.inference import recognize
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition import compare, load_recognizer, recognize_pictures
from ocr_pipeline.recognition.loading import RECOGNIZERS
from ocr_pipeline.release.contest import RECOGNIZER
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.pictures import pictures_in

DARK, BRIGHT = (np.full((20, 40, 3), grey, np.uint8) for grey in (10, 245))
SETTINGS = {"eval_samples": 10, "per_device_eval_batch_size": 2, "seed": 0}


@pytest.fixture(autouse=True)
def one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECOGNIZERS, "brightness", "ocr_pipeline_tests.recognition.brightness")


def checkpoint(folder: Path, words: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text(words, encoding="utf-8")
    return folder


def test_it_reads_a_folder(tmp_path: Path) -> None:
    recognizer = load_recognizer(checkpoint(tmp_path / "bright", "어둠 빛"))
    (tmp_path / "crops").mkdir()
    for name, crop in (("a", BRIGHT), ("b", DARK)):
        Image.fromarray(crop).save(tmp_path / "crops" / f"{name}.png")
    (tmp_path / "crops" / "c.png").write_text("no picture")
    read = recognize_pictures(
        recognizer, pictures_in(tmp_path / "crops", deep=True), tmp_path / "read.csv", batch_size=1
    )
    rows = csv.DictReader(read.output_csv.open(encoding="utf-8-sig"))
    assert [(row["text"], bool(row["error"])) for row in rows] == [("빛", False), ("어둠", False), ("", True)]


def test_the_command_finds_out_whose_checkpoint_it_is(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "bright", "어둠 빛")
    (tmp_path / "crops").mkdir()
    Image.fromarray(BRIGHT).save(tmp_path / "crops" / "a.png")
    place = ["--images_dir", str(tmp_path / "crops"), "--output_csv", str(tmp_path / "read.csv")]
    result = CliRunner().invoke(recognize, [*place, "--ckpt", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0 and ",빛,1.0000," in (tmp_path / "read.csv").read_text("utf-8-sig")


def test_it_is_compared(tmp_path: Path, jsonl) -> None:
    data = jsonl("set", [("빛", BRIGHT), ("어둠", DARK)])
    folders = {"right": "어둠 빛", "wrong": "빛 어둠"}
    recognizers = {name: load_recognizer(checkpoint(tmp_path / name, words)) for name, words in folders.items()}
    right, wrong = compare(recognizers, [data])
    assert right.scores.cer == 0 < wrong.scores.cer


def publish(artifact: Path, name: str, content: str, fingerprint: str, valid: Sequence[Input] = ()) -> None:
    """A folder with one file, or where ``name`` is empty that file itself; validated without an error."""
    said = {"stage": "x", "partition": "", "code_version": "1", "settings": SETTINGS, "inputs": [*valid]}
    with publication(artifact, **said, has_quarantine=False) as made:
        with made.folder() if name else made.file() as draft:
            (draft / name if name else draft).write_text(content, encoding="utf-8")
        made.metrics, made.fingerprint = {"cer": 0.0}, fingerprint


def test_it_becomes_champion_and_is_scored_again(workspace: Workspace, jsonl) -> None:
    contest = replace(
        RECOGNIZER,
        name="bright_checkpoint",
        candidate=lambda workspace: workspace.root / "bright_checkpoint",
        champion=lambda workspace: workspace.root / "bright_champion",
    )
    publish(contest.candidate(workspace), "words.txt", "빛 어둠", "first", [Input("a_valid.jsonl", "old", VALIDATION)])
    contest.promote(workspace)
    written = jsonl("set", [("빛", BRIGHT), ("어둠", DARK)])
    lines = written.read_text("utf-8").replace("set_crops", str(written.parent / "set_crops"))
    publish(workspace.root / "a_valid.jsonl", "", lines, "new")
    publish(contest.candidate(workspace), "words.txt", "어둠 빛", "second", [Input("a_valid.jsonl", "new", VALIDATION)])
    verdict = contest.judge(workspace)
    assert verdict.passed and verdict.candidate == 0.0 and verdict.champion and verdict.champion > 0.5
    assert "scored again" in verdict.why


def test_what_is_nobodys_checkpoint_is_told_with_all_that_would_be_one(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no checkpoint of a recognizer") as refused:
        load_recognizer(tmp_path)
    for kind in ("checkpoint-N folder", "PP-OCRv5", "words.txt"):
        assert kind in refused.value.remedy
