"""Data quality at the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline_tests.cli.test_commands import invoke
from ocr_pipeline_tests.trees import hand_tree, write_tree


def test_quality_prints_a_table_and_writes_the_report(tmp_path: Path) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    place = ("--source", share, "--output", tmp_path / "out", "--partition", "handwriting_train")
    for command in ("merge", "lookup"):
        assert invoke(command, *place)[0] == 0
    code, output = invoke("quality", *place, "--seconds", "60")
    assert code == 0
    assert "handwriting_train" in output and "96,019 (sample)" in output
    assert "handwriting_train" in (tmp_path / "out" / "quality" / "report.html").read_text()
    everything = invoke("quality", *place[:4], "--seconds", "60")  # whose sets are not all on the share
    assert everything[0] == 0
    assert re.findall(r"^(handwriting_train|text_in_wild) ", everything[1], re.MULTILINE) == ["handwriting_train"]


def test_what_must_be_run_before_is_said(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="merged_json is not published"):
        invoke("quality", "--source", tmp_path, "--output", tmp_path / "out", "--partition", "handwriting_train")
