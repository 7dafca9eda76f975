"""What a training goes on from, told by what it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.training.resuming import data_key, demand_own, demand_same, demand_steps, filled, where_to_go_on
from ocr_pipeline.training.retention import Checkpoints


def checkpoints_in(folder: Path) -> Checkpoints:
    return Checkpoints(folder, r"(\d+)\.json")


def write(path: Path, key: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(key))
    return path


def where(folder: Path, key: dict) -> tuple[Path, Path | None]:
    return where_to_go_on(folder, key, checkpoints_in, lambda path: json.loads(path.read_text()))


def test_the_newest_of_the_same_is_gone_on_from_and_another_stays_as_it_is(tmp_path: Path):
    assert where(tmp_path, {"seed": 1}) == (tmp_path, None)
    mine = write(tmp_path / "1.json", {"seed": 1})
    assert where(tmp_path, {"seed": 1}) == (tmp_path, mine)
    aside, begun = where(tmp_path, {"seed": 2})
    assert aside.parent == tmp_path and begun is None and where(tmp_path, {"seed": 3})[0] != aside
    write(aside / "4.json", {"seed": 2})
    assert where(tmp_path, {"seed": 2}) == (aside, aside / "4.json")


def test_no_training_replaces_the_work_of_another(tmp_path):
    theirs = write(tmp_path / "1.json", {"seed": 1})
    demand_own(tmp_path, None, None, "--resume auto")
    demand_own(tmp_path, theirs, theirs, "--resume auto")
    for origin in (None, tmp_path / "elsewhere" / "1.json"):
        with pytest.raises(PipelineError, match="another training was here") as error:
            demand_own(tmp_path, theirs, origin, "--resume auto")
        assert "--resume auto" in error.value.remedy and "--output_dir" in error.value.remedy


def test_what_differs_is_named_to_the_last_part(tmp_path: Path):
    old, new = {"seed": 1, "look": {"blur": 0.5, "flip": 0}}, {"seed": 1, "look": {"blur": 0.5, "flip": 1}}
    demand_same(tmp_path, old, dict(old), "go on.")
    with pytest.raises(PipelineError, match=r"trained with look\.flip 0 \(now 1\): .*or begin anew\."):
        demand_same(tmp_path, old, new, "begin anew.")
    with pytest.raises(PipelineError, match=r"name unset \(now 5\)"):
        demand_same(tmp_path, {}, {"name": 5}, "begin anew.")


def test_settings_that_came_later_were_as_by_default_before():
    old, defaults = {"seed": 1, "look": {"blur": 0.5}}, {"seed": 0, "mixed": 0.0, "look": {"flip": 0, "blur": 0.1}}
    assert filled(old, defaults) == {"seed": 1, "mixed": 0.0, "look": {"flip": 0, "blur": 0.5}}
    assert filled({}, defaults) == defaults and filled(old, {}) == old


def test_more_steps_may_be_taken_and_fewer_not(tmp_path: Path):
    demand_steps(tmp_path, 3, 4, "--max_steps")
    with pytest.raises(PipelineError, match="taken 5 steps already, and the training shall take 4"):
        demand_steps(tmp_path, 5, 4, "--max_steps")


def test_data_without_a_manifest_is_known_by_what_is_in_it(tmp_path: Path):
    def key(letter: str, samples: int = 3) -> dict:
        return data_key(tmp_path / "a.lmdb", "", samples, lambda number: f"{letter}{number}".encode())

    assert key("a") == key("a") != key("b")
    assert key("a") != key("a", 4) and key("a", 0)["samples"] == 0
    asked = list[int]()
    data_key(tmp_path / "a.lmdb", "", 10**6, lambda number: asked.append(number) or b"")
    assert len(asked) == 64 and asked[0] == 0 and asked[-1] < 10**6
    assert data_key(tmp_path / "a.lmdb", "f00d", 3, lambda _: b"")["fingerprint"] == "f00d"
