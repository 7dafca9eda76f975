"""``ocr-pipeline automation``: what would start by itself."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic import write_collection


def test_it_says_what_each_would_do_and_does_nothing(tmp_path: Path) -> None:
    write_collection(tmp_path / "share", pages={"handwriting_train": 1}, page_size=(160, 224))
    places = ["--source", str(tmp_path / "share"), "--output", str(tmp_path / "output")]
    told = CliRunner().invoke(cli, ["automation", *places], catch_exceptions=False).output
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "watch off run data for handwriting_train, if it stays so for 600 s" in lines
    assert any(line.startswith("nightly off run data for handwriting_train, handwriting_valid") for line in lines)
    assert "fast_checkpoint off wait: nothing to learn from is published" in lines
    assert not (tmp_path / "output").exists()
