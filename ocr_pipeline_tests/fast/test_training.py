from __future__ import annotations

import math
import os
import shutil
import signal
from pathlib import Path

import cv2
import pandas as pd
import pytest
import torch
from msgspec import structs

from ocr_pipeline.data.layout_lmdb import LayoutWord, write_layout_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import build_network, load_network
from ocr_pipeline.fast.checkpoints import read_state
from ocr_pipeline.fast.data import WORD_OUTCOMES
from ocr_pipeline.training.stopping import TrainingStoppedError
from ocr_pipeline_tests.fast.conftest import draw_page, equal, keyed_state, weights, with_ignored


def test_a_network_learns_to_find_words(train, config):
    config.write_text(config.read_text().replace("batch_size: 2", "batch_size: 4").replace("64", "96"))
    result = train("out", max_steps=60, val_every_steps=30, log_every_steps=30)
    assert result.metrics["hmean"] > 0.6
    assert result.history[-1]["loss"] < 0.7 * result.history[0]["loss"]


def test_the_number_of_workers_changes_nothing(train):
    alone = train("alone", max_steps=2)
    helped = train("helped", max_steps=2, num_workers=2)
    assert equal(alone.last_checkpoint, helped.last_checkpoint)


def test_steps_are_updates_and_cover_the_configured_epochs(train, config):
    rows = []
    result = train("out", on_progress=rows.append, ga_steps=2, log_every_steps=1, val_every_steps=0)
    per_epoch = math.ceil(6 * 2 / (2 * 2))
    assert result.steps == rows[-1]["steps"] == 2 * per_epoch
    assert [row["step"] for row in rows] == list(range(1, 2 * per_epoch + 1))
    assert [row["step"] for row in rows if "hmean" in row] == [per_epoch, 2 * per_epoch]
    assert result.last_checkpoint.name == "checkpoint_epoch_2.pth"
    table = pd.read_csv(result.last_checkpoint.with_name("results.csv"))
    assert table["loss"].tolist() == pytest.approx([row["loss"] for row in rows])


def test_the_best_checkpoint_carries_its_score_and_origin(train):
    result = train("out", max_steps=4, val_every_steps=2)
    network, loaded = load_network(result.best_checkpoint)
    assert loaded.extras["metric"] == result.metrics
    assert loaded.extras["config"]["img_size"] == 64
    assert [entry["samples"] for entry in loaded.extras["data"]] == [6]
    assert network.variant == "narrow"
    assert "optimizer" not in loaded.extras


def test_without_validation_pages_the_last_weights_are_the_best(train):
    result = train("out", max_steps=2, valid=False)
    assert result.metrics == {}
    assert equal(result.best_checkpoint, result.last_checkpoint)


def test_empty_validation_pages_are_none_and_that_is_said(train, lmdbs, caplog):
    shutil.rmtree(lmdbs[1])
    write_layout_samples(lmdbs[1], (), {})
    result = train("out", max_steps=1)
    assert result.metrics == {} and "no pages to validate on" in caplog.text
    assert equal(result.best_checkpoint, result.last_checkpoint)


def test_validation_leaves_the_network_as_it_is(train):
    often = train("often", max_steps=3, val_every_steps=1)
    never = train("never", max_steps=3, valid=False)
    assert equal(often.last_checkpoint, never.last_checkpoint)


def test_old_checkpoints_go_and_the_best_stays(train):
    result = train("out", max_steps=5, save_every_steps=1, keep_checkpoints=2)
    names = {path.name for path in result.last_checkpoint.parent.glob("*.pth")}
    assert names == {"best_checkpoint.pth", "checkpoint_step_4.pth", "checkpoint_step_5.pth"}


def test_training_starts_from_given_weights_also_when_compiled_files_have_them(train, tmp_path: Path):
    network = build_network("narrow")
    state = {f"_orig_mod.{key}": value for key, value in keyed_state(network).items()}
    torch.save({"state_dict": state}, tmp_path / "start.pth")
    result = train("out", checkpoint=tmp_path / "start.pth", max_steps=1, learning_rate=1e-12)
    key = "backbone.stage3.1.main_conv.weight"
    torch.testing.assert_close(weights(result.last_checkpoint)[key], state[f"_orig_mod.{key}"])


@pytest.mark.parametrize("given", [True, False])
def test_the_average_begins_where_the_training_does(train, config, given: bool, tmp_path: Path):
    """Decay 0.75 and one step: a quarter of what the published average is after it (its shadow starts as a copy)."""
    config.write_text(config.read_text() + "ema_decay: 0.75\n")
    network = build_network("narrow")
    torch.save({"state_dict": keyed_state(network)}, tmp_path / "start.pth")
    start = {"checkpoint": tmp_path / "start.pth"} if given else {}
    state = read_state(train("out", max_steps=1, **start).last_checkpoint)
    if given:
        network.load_state_dict(keyed_state(network))
    else:
        torch.manual_seed(0)
        network = build_network("narrow", 0.2)
    for name, first in network.named_parameters():
        torch.testing.assert_close(state.ema[name], 0.75 * first + 0.25 * state.state_dict[name])


def test_mixed_precision_without_instructions_for_it_is_no_mixed_precision(train, monkeypatch, caplog):
    monkeypatch.setattr("ocr_pipeline.fast.learner.has_bfloat16", lambda: False)
    plain = train("plain", max_steps=1)
    asked = train("asked", max_steps=1, amp=True, quiet=False)
    assert equal(plain.last_checkpoint, asked.last_checkpoint)
    assert "--amp has no effect" in caplog.text


def test_a_stop_while_the_network_is_compiled_saves_and_leaves_no_cache(train, monkeypatch):
    """SIGTERM goes to the whole group: the compiler that the step waits for dies of it."""
    whole, shared = train("whole", max_steps=2), os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    folders = []

    def compiled(network, mode):
        calls = []

        def call(pictures):
            calls.append(network(pictures))
            folders.append(Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]))
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
                raise RuntimeError("InductorError: the compiler died")
            return calls[-1]

        return call

    monkeypatch.setattr(torch, "compile", compiled)
    with pytest.raises(TrainingStoppedError, match="step 1 of 2; the training is saved"):
        train("torn", max_steps=2, compile=True)
    assert not folders[0].exists() and os.environ.get("TORCHINDUCTOR_CACHE_DIR") == shared != str(folders[0])
    assert equal(train("torn", max_steps=2, resume="auto").last_checkpoint, whole.last_checkpoint)


def test_mixed_precision_and_channels_last_train_on_the_cpu_too(train):
    result = train("out", max_steps=2, amp=True, channels_last=True)
    assert math.isfinite(result.history[-1]["loss"])


def test_patience_ends_a_training_that_gets_no_better(train):
    result = train("out", max_steps=50, val_every_steps=1, patience=2, learning_rate=1e-12)
    assert (result.stopped, result.steps) == ("patience", 3)
    again = train("out", max_steps=50, val_every_steps=1, patience=2, learning_rate=1e-12, resume="auto")
    assert (again.stopped, again.steps) == ("patience", 3)


def test_a_time_budget_ends_a_training_that_can_go_on(train):
    whole = train("whole", max_steps=3)
    short = train("parts", max_steps=3, time_budget=0.0)
    assert (short.stopped, short.steps) == ("time_budget", 1)
    assert short.metrics["step"] == 1
    assert equal(train("parts", max_steps=3, resume="auto").last_checkpoint, whole.last_checkpoint)


def test_what_became_of_the_words_is_counted(train, tmp_path: Path, lmdbs):
    image, record = draw_page(0)
    tiny = LayoutWord(((1, 1), (3, 1), (3, 2), (1, 2)), "점", "ok", 99)
    record = with_ignored(record)
    record = structs.replace(record, words=(*record.words, tiny))
    shutil.rmtree(lmdbs[0])
    write_layout_samples(lmdbs[0], [(image, record)], {})
    result = train("out", max_steps=4, log_every_steps=2)
    for row in result.history:
        assert sum(row[f"words_{fate}"] for fate in WORD_OUTCOMES) == 2 * 2 * (len(record.words) + 1)
    total = {fate: sum(row[f"words_{fate}"] for row in result.history) for fate in WORD_OUTCOMES}
    assert all(total[fate] for fate in ("learnt", "ignored", "outside"))


def test_a_training_can_be_looked_at(train):
    folder = train("out", max_steps=2, log_every_steps=1).last_checkpoint.parent
    pictures = {name: cv2.imread(str(folder / name)) for name in ("curves.png", "training_batch.png", "validation.png")}
    assert pictures["training_batch.png"].shape == (128, 128, 3)  # two crops above their targets
    assert pictures["validation.png"].shape == (640, 3 * 640, 3)
    assert (pictures["curves.png"] < 128).any()


def test_tensorboard_has_the_rows(train):
    folder = train("out", max_steps=1, report_to="tensorboard").last_checkpoint.parent
    assert list(folder.glob("events.out.tfevents.*"))


def test_tensorboard_is_refused_where_it_is_not_installed(train, monkeypatch):
    monkeypatch.setattr("ocr_pipeline.training.history.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="not installed"):
        train("out", max_steps=1, report_to="tensorboard")
