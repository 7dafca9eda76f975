"""Judging at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging import contestants
from ocr_pipeline_tests.cli.test_commands import invoke
from ocr_pipeline_tests.judging.making import Oracle, page, picture, publish_pages, quad, save


@pytest.fixture(autouse=True)
def _oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contestants, "KINDS", {"shipped": lambda _: Oracle([page()]).contestant("shipped")})


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    save(tmp_path / "labelled", picture())
    lines = [
        {"image": "a.png", "words": [{"poly": quad(0), "text": "서울"}]},
        {"image": "gone.png", "words": []},
    ]
    (tmp_path / "labelled" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "labelled"


def test_judge_prints_scores_and_writes_the_page(labelled: Path, tmp_path: Path, workspace) -> None:
    publish_pages(workspace, "valid")
    where = ("--partition", "public_admin_valid", "--output", workspace.root, "--report", tmp_path / "report")
    code, output = invoke("judge", labelled, *where)
    assert code == 0
    assert "shipped" in output and "1.000" in output and "2 pages with 6 words" in output
    assert "gone.png" not in output and "page 2: the picture cannot be opened" in output
    assert json.loads((tmp_path / "report" / "judgement.json").read_text())["pages"] == {
        "labelled": 1,
        "public_admin_valid": 1,
    }


def test_what_is_missing_is_said(labelled: Path, tmp_path: Path) -> None:
    code, output = invoke("judge", "--report", tmp_path / "report")
    assert code == 2 and "--partition" in output
    with pytest.raises(PipelineError, match="no such contestant"):
        invoke("judge", labelled, "--report", tmp_path / "report", "--contestant", "nobody")
    with pytest.raises(PipelineError, match="did not make"):
        invoke("judge", labelled, "--report", labelled)
