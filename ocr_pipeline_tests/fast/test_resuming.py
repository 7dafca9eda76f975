"""A training that was interrupted, prolonged or changed: where it goes on, and where it begins anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from ocr_pipeline.data.layout_lmdb import write_layout_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import FastTraining, read_weights, train_fast
from ocr_pipeline.fast.checkpoints import read_state, write_state
from ocr_pipeline_tests.fast.conftest import draw_page, equal


def test_an_interrupted_training_ends_in_the_same_weights(train):
    """Dropout, averaging, clipping and gradient accumulation are all on."""
    options = {"max_steps": 5, "ga_steps": 2, "log_every_steps": 3, "save_every_steps": 3}
    whole = train("whole", **options)

    class KilledError(Exception):
        pass

    def kill(row):
        if row["step"] == 4:
            raise KilledError

    with pytest.raises(KilledError):
        train("parts", on_progress=kill, **options)
    resumed = train("parts", resume="auto", **options)
    assert equal(whole.last_checkpoint, resumed.last_checkpoint)
    assert whole.history == resumed.history
    one, other = read_state(whole.last_checkpoint), read_state(resumed.last_checkpoint)
    moments = zip(one.optimizer["state"].values(), other.optimizer["state"].values(), strict=True)
    assert all(torch.equal(a["exp_avg_sq"], b["exp_avg_sq"]) for a, b in moments)


def test_an_averaged_training_resumes_exactly_too(train, config):
    config.write_text(config.read_text() + "ema_decay: 0.9\n")
    whole = train("whole", max_steps=4, save_every_steps=2)
    middle = whole.last_checkpoint.with_name("checkpoint_step_2.pth")
    resumed = train("resumed", max_steps=4, resume=middle)
    assert read_weights(whole.last_checkpoint).layout == "release"
    assert equal(whole.last_checkpoint, resumed.last_checkpoint)


def test_a_finished_training_is_found_finished(train):
    first = train("out", max_steps=2)
    rows = []
    again = train("out", on_progress=rows.append, max_steps=2, resume="auto")
    assert not rows
    assert (again.steps, again.metrics, again.last_checkpoint) == (2, first.metrics, first.last_checkpoint)


def test_other_settings_start_anew_aside_instead_of_going_on(train, caplog):
    first = train("out", max_steps=2)
    before = first.best_checkpoint.read_bytes()
    rows = []
    options = {"max_steps": 2, "learning_rate": 1e-4, "resume": "auto"}
    second = train("out", on_progress=rows.append, **options)
    assert rows[-1]["step"] == 2
    assert "learning_rate 0.005 (now 0.0001)" in caplog.text and str(second.best_checkpoint.parent) in caplog.text
    assert second.best_checkpoint.parent.parent == first.best_checkpoint.parent
    assert first.best_checkpoint.read_bytes() == before
    again = train("out", **options)
    assert (again.last_checkpoint, again.metrics) == (second.last_checkpoint, second.metrics)


def test_a_checkpoint_from_before_a_setting_was_there_is_gone_on_from(train):
    first = train("out", max_steps=1)
    state = read_state(first.last_checkpoint)
    del state.config["box_growth"], state.config["augmentation"]["perspective"]
    write_state(first.last_checkpoint, state)
    assert train("out", max_steps=2, resume="auto").last_checkpoint.parent == first.last_checkpoint.parent


def test_to_begin_anew_leaves_the_checkpoints_of_another_training(train):
    first = train("out", max_steps=1)
    with pytest.raises(PipelineError, match="another training was here"):
        train("out", max_steps=1)
    first.last_checkpoint.unlink()
    with pytest.raises(PipelineError, match="another training was here"):
        train("out", max_steps=1, resume=train("other", max_steps=1).last_checkpoint)
    assert first.best_checkpoint.is_file()


def test_what_takes_a_moment_is_looked_at_before_all_of_the_data_is_read(train, tmp_path):
    def begin(**options) -> None:
        plan = FastTraining(config=Path("base_736.yaml"), output_dir=tmp_path / "out", **options)
        train_fast(plan, [tmp_path / "terabytes.lmdb"], [])

    for flag in ("checkpoint", "resume"):
        with pytest.raises(PipelineError, match="no such checkpoint"):
            begin(**{flag: tmp_path / "checkpoint_7ep.pth"})
    train("out", max_steps=1)
    with pytest.raises(PipelineError, match="another training was here"):
        begin()


def test_a_training_can_be_prolonged(train):
    train("out", max_steps=2)
    rows = []
    train("out", on_progress=rows.append, max_steps=3, log_every_steps=1, resume="auto")
    assert [row["step"] for row in rows] == [3]
    with pytest.raises(PipelineError, match="has taken 3 steps already"):
        train("out", max_steps=2, resume="auto")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"learning_rate": 1e-4}, r"learning_rate 0\.005 \(now 0\.0001\)"),
        ({"seed": 1}, r"seed 0 \(now 1\)"),
        ({"ga_steps": 2}, "ga_steps"),
        ({"img_size": 96}, "img_size"),
        ({"rotation": 9}, r"augmentation\.rotation 4\.0 \(now 9\.0\)"),
        ({"checkpoint": True}, "starting weights unset"),
        ({"data": True}, r"training data drawn_train_layout\.lmdb \w+ \(now drawn_train_layout\.lmdb \w+\)"),
    ],
)
def test_what_a_named_checkpoint_would_overrule_is_an_error(train, config, lmdbs, change, named):
    first = train("out", max_steps=1)
    if rotation := change.pop("rotation", None):
        config.write_text(config.read_text().replace("rotation: 4", f"rotation: {rotation}"))
    if change.pop("data", None):
        shutil.rmtree(lmdbs[0])
        write_layout_samples(lmdbs[0], (draw_page(number) for number in range(10, 16)), {})
    if change.pop("checkpoint", None):
        change["checkpoint"] = first.best_checkpoint
    with pytest.raises(PipelineError, match=named) as error:
        train("other", max_steps=2, resume=first.last_checkpoint, **change)
    assert "--checkpoint" in error.value.remedy


def test_on_other_validation_pages_the_best_is_sought_anew(train, lmdbs):
    train("out", max_steps=1)
    shutil.rmtree(lmdbs[1])
    write_layout_samples(lmdbs[1], (draw_page(number) for number in range(200, 204)), {})
    assert train("out", max_steps=2, resume="auto").metrics["step"] == 2


def test_a_detector_file_cannot_be_resumed(train):
    result = train("out", max_steps=1)
    with pytest.raises(PipelineError, match="cannot go on"):
        train("other", resume=result.best_checkpoint, max_steps=2)


def test_the_best_of_another_folder_is_not_the_best_of_this_one(train):
    first = train("a", max_steps=2)
    second = train("b", max_steps=4, resume=first.last_checkpoint)
    assert second.best_checkpoint.is_file()
    assert second.best_checkpoint.parent.name == "b"
    assert second.metrics["step"] == 4


def test_a_training_that_is_done_elsewhere_is_no_success(train):
    first = train("a", max_steps=2)
    with pytest.raises(PipelineError, match="nothing was trained"):
        train("b", max_steps=2, resume=first.last_checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        {"config": [1]},
        {"run": 5},
        {"global_step": "x"},
        {"position": -1},
        {"optimizer": {}},
        {"history": 5},
        {"metric": 5},
        {"window": {}},
    ],
    ids=str,
)
def test_a_state_that_is_none_is_told(train, change):
    checkpoint = train("out", max_steps=1).last_checkpoint
    torch.save(torch.load(checkpoint, weights_only=True) | change, checkpoint)
    with pytest.raises(PipelineError, match="cannot go on from this checkpoint") as error:
        train("out", max_steps=2, resume=checkpoint)
    assert error.value.where == str(checkpoint)
