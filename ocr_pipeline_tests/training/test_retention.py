from __future__ import annotations

import os
from pathlib import Path

import pytest

from ocr_pipeline.training.retention import Checkpoints


@pytest.fixture
def write(tmp_path: Path):
    """``write(*names)``: checkpoints, each a second after the one before; folders where the name has no ending."""

    def one_after_the_other(*names: str) -> Checkpoints:
        for second, name in enumerate(names):
            path = tmp_path / name
            if path.suffix:
                path.touch()
            else:
                path.mkdir()
                (path / "weights").touch()
            os.utime(path, (second, second))
        return Checkpoints(tmp_path, r"checkpoint-(\d+)(?:\.pth)?")

    return one_after_the_other


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("ending", ["", ".pth"], ids=["folders", "files"])
def test_the_newest_stay_with_what_is_spared_and_with_what_is_no_checkpoint(tmp_path: Path, write, ending):
    steps, others = (
        [f"checkpoint-{step}{ending}" for step in (5, 10, 15, 20)],
        [f"best{ending}", f"checkpoint-x{ending}"],
    )
    checkpoints = write(*steps, *others)
    checkpoints.keep(2, spare=tmp_path / f"checkpoint-5{ending}")
    assert names(tmp_path) == {*steps, *others} - {f"checkpoint-10{ending}"}
    assert checkpoints.newest() == tmp_path / f"checkpoint-20{ending}"


def test_a_shorter_training_in_the_folder_of_a_longer_one_keeps_its_own(tmp_path: Path, write):
    checkpoints = write("checkpoint-900", "checkpoint-1000", "checkpoint-10")
    checkpoints.keep(1)
    assert names(tmp_path) == {"checkpoint-10"}
    assert checkpoints.newest() == tmp_path / "checkpoint-10"


def test_the_higher_number_is_the_newer_where_the_clock_is_coarse(tmp_path: Path, write):
    checkpoints = write("checkpoint-9", "checkpoint-10")
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert checkpoints.newest() == tmp_path / "checkpoint-10"


def test_none_keeps_all_and_nought_keeps_the_one_to_go_on_from(tmp_path: Path, write):
    checkpoints = write("checkpoint-1", "checkpoint-2")
    checkpoints.keep(None)
    assert names(tmp_path) == {"checkpoint-1", "checkpoint-2"}
    checkpoints.keep(0)
    assert names(tmp_path) == {"checkpoint-2"}


def test_a_folder_that_is_not_there_has_none(tmp_path: Path):
    assert Checkpoints(tmp_path / "nowhere", r"checkpoint-(\d+)").newest() is None
