"""The first minutes of a newcomer: places from .env, what is missing is said, and what is mistyped is guessed."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from ocr_pipeline.cli import cli, main, tables
from ocr_pipeline.cli.demo import next_commands
from ocr_pipeline.cli.dotenv import read_dotenv
from ocr_pipeline.cli.training import published_as
from ocr_pipeline.cli.typed import as_meant, on_latin_keys
from ocr_pipeline.cli.verbs import COMMANDS, GROUPS
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.demo.graph import Demo, write_dotenv
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.artifacts.stages import stages_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.cli.test_commands import ocr_pipeline
from ocr_pipeline_tests.documentation.pages import REPOSITORY


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], env=environment)


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share")
    write_collection(root, pages={"handwriting_train": 2, "text_in_wild": 2}, page_size=(256, 352))
    return root


def test_the_places_of_dotenv_are_taken_and_said(share: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    dotenv = f"OCR_PIPELINE_SOURCE=${{OCR_PIPELINE_SOURCE:-{share}}}\nOCR_PIPELINE_OUTPUT={tmp_path / 'artifacts'}\n"
    (tmp_path / ".env").write_text(dotenv)
    with patch.dict(os.environ, {"HOME": "/nonexistent"}, clear=True), pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        patched.setattr(sys, "argv", ["ocr-pipeline", "merge", "--partition", "handwriting_train"])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 0
    assert f"source {share} (.env), output {tmp_path / 'artifacts'} (.env)" in capsys.readouterr().err
    assert (tmp_path / "artifacts" / "json_merged" / "handwriting_train_merged.json").exists()


def test_what_was_exported_comes_before_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OCR_PIPELINE_SOURCE=/a\nOCR_PIPELINE_OUTPUT=/b\nOCR_PIPELINE_RECIPE=\n")
    with patch.dict(os.environ, {"OCR_PIPELINE_SOURCE": "/exported", "OCR_PIPELINE_OUTPUT": ""}, clear=True):
        assert read_dotenv(tmp_path) == {"OCR_PIPELINE_RECIPE"}
        assert os.environ["OCR_PIPELINE_SOURCE"] == "/exported" and os.environ["OCR_PIPELINE_OUTPUT"] == ""


@pytest.mark.parametrize("line", ["merge", "status", "doctor", "lookup --partition handwriting", "champions"])
def test_a_dotenv_that_leads_nowhere_is_named(line: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    gone = f"OCR_PIPELINE_SOURCE={tmp_path}/demo/share\nOCR_PIPELINE_OUTPUT={tmp_path}/demo/output\n"
    (tmp_path / ".env").write_text(gone)
    with patch.dict(os.environ, {"HOME": "/nonexistent"}, clear=True), pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        patched.setattr(sys, "argv", ["ocr-pipeline", *line.split()])
        with pytest.raises(SystemExit, match="1"):
            main()
    told = " ".join("".join(capsys.readouterr()).split())
    assert f"{tmp_path / '.env'}: mend that line, or delete the file." in told


@pytest.mark.parametrize("is_the_demos", [True, False])
def test_make_clean_takes_the_dotenv_of_the_demo_and_leaves_ones_own(tmp_path: Path, is_the_demos: bool) -> None:
    write_dotenv(Demo(tmp_path / "demo"), tmp_path, {"OCR_PIPELINE_SOURCE": f"{tmp_path}/demo/share"})
    if not is_the_demos:
        (tmp_path / ".env").write_text("OCR_PIPELINE_SOURCE=/mnt/share\n")
    subprocess.run(["make", "--file", REPOSITORY / "Makefile", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ([] if is_the_demos else [".env"])


@pytest.mark.parametrize("command", ["status", "quarantine"])
def test_an_output_that_is_not_there_is_no_empty_table(command: str, tmp_path: Path) -> None:
    told = ocr_pipeline(command, "--output", tmp_path / "typo")
    assert told.returncode == 1 and f"there is no output folder: {tmp_path / 'typo'}" in told.stderr
    assert not told.stdout and not (tmp_path / "typo").exists()


@pytest.mark.parametrize("command", ["status", "quarantine"])
def test_a_folder_of_something_else_is_said(command: str, tmp_path: Path) -> None:
    assert "othing of these partitions is published here" in run(command, "--output", tmp_path).stdout


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("mrege", "merge"), ("train", "train-fast"), ("recognise", "recognize"), ("stat", "status"), ("docter", "doctor")],
)
def test_a_verb_that_there_is_none_of_is_guessed(mistyped: str, meant: str) -> None:
    told = run(mistyped)
    assert told.exit_code == 2 and mistyped in told.output and meant in told.output


def test_help_is_a_verb_too() -> None:
    assert run("help", "merge").stdout == run("merge", "--help").stdout
    assert run("help").stdout == run("--help").stdout


def test_a_line_of_the_keyboard_on_hangul_is_read() -> None:
    hangul = {"ㅡㄷㄱㅎㄷ": "merge", "ㄴㅅㅁ션": "status", "ㅁㅜㅜㅐㅅㅁ샤ㅐㅜㄴ": "annotations", "애ㅊ색": "doctor"}
    assert {line: on_latin_keys(line) for line in hangul} == hangul


@pytest.mark.parametrize(("typed", "meant"), [("--ㅔㅁㄱ샤샤ㅐㅜ", "--partition"), ("--ㅍㄷ갸료=1", "--verify")])
def test_a_flag_of_the_keyboard_on_hangul_is_guessed(typed: str, meant: str) -> None:
    told = ocr_pipeline("status", typed)
    assert told.returncode == 2 and f"Did you mean '{meant}'?" in told.stderr


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_korean_names_are_found_however_they_are_spelled(form: str, tmp_path: Path) -> None:
    lies = tmp_path / unicodedata.normalize("NFD" if form == "NFC" else "NFC", "원본/데이터")
    lies.mkdir(parents=True)
    typed = str(tmp_path / unicodedata.normalize(form, "원본/데이터"))
    assert as_meant(["--source", typed, f"--output={typed}"]) == ["--source", str(lies), f"--output={lies}"]
    assert Share(typed).root == str(lies) and Workspace.at(typed).root == lies
    assert as_meant([f"{typed}/새것", "서울시"]) == [f"{typed}/새것", "서울시"]


def test_the_help_stands_in_groups_and_fits_a_terminal() -> None:
    told = run("--help", COLUMNS="80").stdout
    assert max(map(cell_len, told.splitlines())) <= 80
    assert re.findall(r"^(\S.*):$", told, re.MULTILINE) == ["Options", *GROUPS]
    assert set(COMMANDS) == set(re.findall(r"^  ([a-z][a-z-]+)  ", told, re.MULTILINE))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_verb_can_be_parsed(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert set(re.findall(r"--[a-z_0-9]+", COMMANDS[name].example)) <= flags
    told = run(name, "--help", COLUMNS="80").stdout
    assert f"ocr-pipeline {name} {COMMANDS[name].example}" in told
    assert not re.search(r"--\w+_\w+, --\w+-", told)  # an option is shown once


def test_flags_are_spelled_with_hyphens_too(share: Path, tmp_path: Path) -> None:
    for sign in "_-":
        place = ("--source", share, "--output", tmp_path, "--partition", "handwriting")
        told = run("backfill", *place, f"--dry{sign}run", f"--accept{sign}loss")
        assert told.exit_code == 0 and "nothing was started" in told.stdout


def test_the_status_is_one_screen(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_WIDTH_OF_A_FILE", 80)
    place = ("--source", share, "--output", tmp_path)
    assert run("merge", *place).exit_code == 0
    lines = run("status", *place).stdout.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.split()[:1]}
    assert max(map(cell_len, lines)) <= 80 and len(lines) <= 24
    assert rows["handwriting_train"] == ["complete", *["missing"] * (len(stages_of("data")) - 1)]
    assert rows["handwriting_valid"][0] == "empty" and rows["ocr_public_train"][0] == "missing"
    assert set(PARTITIONS) <= set(rows)


def test_a_step_does_all_that_is_there_and_says_what_is_not(share: Path, tmp_path: Path) -> None:
    place = ("--source", share, "--output", tmp_path)
    assert run("merge", *place, "--partition", "handwriting_train").exit_code == 0
    for step in ("lookup", "annotations", "layout", "quality"):
        told = run(step, *place)
        assert told.exit_code == 0 and re.search(r"^handwriting_train +2 ", told.stdout, re.MULTILINE)
        (line,) = [line for line in told.stderr.splitlines() if line.startswith("left out: ")]
        assert "text_in_wild, handwriting_valid (`ocr-pipeline merge` comes first)" in line
        assert "ocr_public_train, ocr_public_valid" in line and "(the set is not on the share)" in line
    told = run("merge", *place)
    assert "text_in_wild" in told.stdout and "ocr_public_train" not in told.stdout


def test_a_set_that_is_gone_stops_no_other(share: Path, tmp_path: Path) -> None:
    shutil.copytree(share, tmp_path / "share")
    place = ("--source", tmp_path / "share", "--output", tmp_path / "out")
    steps = ("merge", "lookup", "annotations", "layout")
    assert [run(step, *place).exit_code for step in steps] == [0] * len(steps)
    published = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*handwriting*.manifest.json")}
    shutil.rmtree(next(folder for folder in (tmp_path / "share").iterdir() if "손글씨" in nfc(folder.name)))
    for step in steps:
        told = run(step, *place)
        assert told.exit_code == 0 and "text_in_wild" in told.stdout and "handwriting_train" in told.stderr
    assert published and published == {path: path.read_bytes() for path in published}


def test_where_nothing_is_there_the_step_says_what_it_lacks(share: Path, tmp_path: Path) -> None:
    place = ("--output", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    told = ocr_pipeline("merge", *place, "--source", tmp_path / "empty")
    assert told.returncode == 1 and "none of the data sets is at the source" in told.stderr
    told = ocr_pipeline("annotations", *place, "--source", share)
    assert told.returncode == 1 and "merged_json is not published" in told.stderr and "left out" not in told.stderr


def test_a_row_that_is_too_wide_is_a_block_and_no_name_is_broken(
    share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_WIDTH_OF_A_FILE", 80)
    run("merge", "--source", share, "--output", tmp_path)
    told = run("status", "--output", tmp_path, "--verbose").stdout
    assert "artifact           merged_json\nfile               finance_logistics_valid_merged.json\n" in told


def test_the_demo_ends_with_what_can_be_typed_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv" / "bin" / "ocr-pipeline"), "demo"])
    look, read, own = next_commands()
    assert look.split("#")[0].split() == ["make", "ui"]
    for line in (read, own):
        words = line.partition(".venv/bin/ocr-pipeline ")[2].split()
        assert run(words[0], "--help").exit_code == 0
        assert all(flag in run(words[0], "--help").stdout for flag in words if flag.startswith("--"))
    assert "OCR_PIPELINE_SOURCE=" in own and "OCR_PIPELINE_OUTPUT=" in own


def test_the_guides_lmdb_may_be_the_jsonl_that_step_4_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    named = tmp_path / "handwriting_annotations_train.lmdb"
    assert published_as(named) == named
    named.with_suffix(".jsonl").write_text("")
    assert published_as(named) == named.with_suffix(".jsonl") and "which step 4 made" in caplog.text
    named.mkdir()
    assert published_as(named) == named


def test_the_doctor_says_what_is_wrong_and_what_to_do(share: Path, tmp_path: Path) -> None:
    healthy = run("doctor", "--source", share, "--output", tmp_path)
    assert healthy.exit_code == 0 and "Nothing is wrong." in healthy.stdout
    assert "대용량 손글씨" in healthy.stdout and "korean_words" in healthy.stdout and "GB free" in healthy.stdout
    (tmp_path / "recipe.yaml").write_text("dlora_checkpoint: {model_name_or_path: nobody/nothing}\n")
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    ill = ocr_pipeline("doctor", "--source", tmp_path, "--output", tmp_path, **offline)
    assert ill.returncode == 1
    assert "none of the data sets is at the source" in ill.stdout
    assert "hf download nobody/nothing" in ill.stdout and "2 of" in ill.stdout


def test_the_doctor_names_an_output_that_cannot_be_written(share: Path) -> None:
    told = run("doctor", "--source", share, "--output", "/proc/ocr")
    assert told.exit_code == 1 and "nothing can be written to /proc" in told.stdout


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("fast_checkpont: {config: tiny_736.yaml}", "Did you mean fast_checkpoint?"),
        ("fast_checkpoint: {config: tiny_763.yaml}", "no such configuration"),
        ("fast_checkpoint: {option: {batch_size: 8}}", "Did you mean options?"),
        ("fast_checkpoint: {options: {batch_sise: 8}}", "Did you mean batch_size?"),
        ("dlora_checkpoint: {partitions: [handwritng]}", "handwritng"),
        ("dlora_checkpoint: {model_name_or_path: /nowhere}", "neither a folder nor a name on the hub"),
        ("synthetic: {page: 3}", "Did you mean pages?"),
        ("champion: {tolerence: 0.1}", "Did you mean tolerance?"),
        ("fast_checkpoint:\n\tconfig: x", "the recipe cannot be read"),
        ("- fast_checkpoint", "the recipe has no sections"),
    ],
)
def test_the_doctor_names_what_is_wrong_in_a_recipe(recipe: str, words: str, share: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe)
    told = run("doctor", "--source", share, "--output", tmp_path, COLUMNS="300")
    assert told.exit_code == 1 and told.stdout.count(words) == 1 and told.exception.__class__ is SystemExit
