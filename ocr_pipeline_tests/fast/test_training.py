from __future__ import annotations

import math
import shutil
from pathlib import Path

import cv2
import pandas as pd
import pytest
import torch
from msgspec import structs

from ocr_pipeline.data.layout_lmdb import LayoutWord, write_layout_samples
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import FastTraining, build_network, load_network, read_weights, train_fast
from ocr_pipeline.fast.checkpoints import read_state
from ocr_pipeline.fast.data import WORD_OUTCOMES
from ocr_pipeline.fast.losses import FastLoss
from ocr_pipeline_tests.fast.conftest import draw_page, keyed_state, with_ignored


@pytest.fixture
def train(tmp_path: Path, config: Path, lmdbs):
    """``train(folder, **settings)``: a short training on drawn pages."""

    def run(folder: str, on_progress=None, valid: bool = True, **settings):
        options = {"num_workers": 0, "val_num_workers": 0, "quiet": True, "val_every_steps": 4, **settings}
        given = FastTraining(config=config, output_dir=tmp_path / folder, **options)
        return train_fast(given, lmdbs[:1], lmdbs[1:] if valid else (), on_progress)

    return run


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_weights(path).state


def equal(left: Path, right: Path) -> bool:
    a, b = weights(left), weights(right)
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_a_network_learns_to_find_words(train, config):
    config.write_text(config.read_text().replace("batch_size: 2", "batch_size: 4").replace("64", "96"))
    result = train("out", max_steps=60, val_every_steps=30, log_every_steps=30)
    assert result.metrics["hmean"] > 0.6
    assert result.history[-1]["loss"] < 0.7 * result.history[0]["loss"]


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


def test_the_number_of_workers_changes_nothing(train):
    alone = train("alone", max_steps=2)
    helped = train("helped", max_steps=2, num_workers=2)
    assert equal(alone.last_checkpoint, helped.last_checkpoint)


def test_a_finished_training_is_found_finished(train):
    first = train("out", max_steps=2)
    rows = []
    again = train("out", on_progress=rows.append, max_steps=2, resume="auto")
    assert not rows
    assert (again.steps, again.metrics, again.last_checkpoint) == (2, first.metrics, first.last_checkpoint)


def test_other_settings_start_anew_instead_of_going_on(train):
    train("out", max_steps=2)
    rows = []
    train("out", on_progress=rows.append, max_steps=2, learning_rate=1e-4, resume="auto")
    assert rows[-1]["step"] == 2


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


def test_mixed_precision_and_channels_last_train_on_the_cpu_too(train):
    result = train("out", max_steps=2, amp=True, channels_last=True)
    assert math.isfinite(result.history[-1]["loss"])


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_pages(train):
    with pytest.raises(PipelineError, match=r"no longer finite.*\.png \(drawn_train_layout\.lmdb, sample \d\)"):
        train("out", max_steps=20, learning_rate=1e30, log_every_steps=1)


@pytest.fixture
def fault(monkeypatch):
    """Makes the losses of the given calls infinite."""

    def at(*calls: int) -> None:
        count, honest = iter(range(1000)), FastLoss.__call__

        def faulty(self, *maps):
            losses = honest(self, *maps)
            return losses._replace(total=losses.total * math.inf) if next(count) in calls else losses

        monkeypatch.setattr(FastLoss, "__call__", faulty)

    return at


def test_a_step_whose_loss_is_not_finite_changes_no_weight(train, fault):
    fault(1)
    result = train("out", max_steps=2, save_every_steps=1, log_every_steps=1)
    first = read_state(result.last_checkpoint.with_name("checkpoint_step_1.pth"))
    last = read_state(result.last_checkpoint)
    assert all(
        torch.equal(weight, last.state_dict[key]) for key, weight in first.state_dict.items() if weight.dim() == 4
    )
    assert [row["skipped"] for row in result.history] == [0, 1]
    assert math.isnan(result.history[1]["loss"])


def test_too_many_steps_left_out_end_the_training(train, fault):
    fault(0, 2, 4)
    assert train("patient", max_steps=5, max_skips=3).steps == 5
    fault(0, 2, 4)
    with pytest.raises(PipelineError, match="left out so far: 2"):
        train("strict", max_steps=5, max_skips=2)


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
