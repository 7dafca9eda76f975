"""The quarantine at the terminal: counted, filtered, handed on."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline_tests.cli.test_commands import invoke


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of two sets with faults."""
    root = tmp_path_factory.mktemp("quarantine")
    pages = {"handwriting_train": 2, "ocr_public_train": 2}
    write_collection(root / "share", pages=pages, faults=True, page_size=(256, 352))
    for command in ("merge", "lookup", "annotations"):
        for name in pages:
            place = ("--source", root / "share", "--output", root / "out", "--partition", name)
            assert invoke(command, *place)[0] == 0
    return root / "out"


def records(output: Path, *options: object) -> list[dict]:
    told = CliRunner().invoke(cli, ["quarantine", "--output", str(output), "--json", *map(str, options)])
    assert told.exit_code == 0
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_the_table_counts_first_and_then_shows(output: Path) -> None:
    code, text = invoke("quarantine", "--output", output, "--limit", 3)
    assert code == 0
    counts, _, shown = text.partition("The first 3 of")
    assert "page image_missing" in counts and "word word_outside" in counts and "handwriting_train" in counts
    assert shown.startswith(f" {len(records(output))} records")


def test_filters_choose_by_stage_reason_data_set_and_partition(output: Path) -> None:
    everything = records(output)
    for option, key, value in (
        ("--stage", "stage", "lookup"),
        ("--reason", "reason", "image_unreadable"),
        ("--dataset", "dataset", "ocr_public"),
        ("--partition", "partition", "handwriting_train"),
    ):
        chosen = records(output, option, value)
        assert chosen == [record for record in everything if record[key] == value]
        assert 0 < len(chosen) < len(everything)
    both = records(output, "--reason", "image_missing", "--reason", "image_unreadable", "--stage", "annotations")
    assert {(record["stage"], record["reason"]) for record in both} == {
        ("annotations", "image_missing"),
        ("annotations", "image_unreadable"),
    }


def test_what_both_crop_formats_set_aside_comes_once(output: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "both"
    shutil.copytree(output, workspace)
    before = records(workspace)
    place = ("--source", output.parent / "share", "--output", workspace, "--partition", "handwriting_train")
    assert invoke("annotations", *place, "--output_format", "lmdb")[0] == 0
    assert (workspace / "handwriting_annotations_train.lmdb").exists()
    assert records(workspace) == before


def test_csv_and_json_hold_the_same_records(output: Path) -> None:
    told = CliRunner().invoke(cli, ["quarantine", "--output", str(output), "--csv"])
    assert told.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    plain = [{key: "" if value is None else str(value) for key, value in record.items()} for record in records(output)]
    assert rows == plain
    assert len(records(output, "--limit", 2)) == 2


def test_nothing_set_aside_is_an_empty_table(tmp_path: Path) -> None:
    code, text = invoke("quarantine", "--output", tmp_path)
    assert code == 0 and "records" in text and "The first" not in text


def test_a_stage_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert invoke("quarantine", "--output", tmp_path, "--stage", "nonsense")[0] == 2
