"""The guide's step 6 as its user types it: a configuration in the published form, and every flag."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from ocr_pipeline.cli.training import train_fast_command
from ocr_pipeline.fast import build_network, load_network
from ocr_pipeline_tests.fast.conftest import keyed_state

PUBLISHED_FORM = """
model = dict(
    type='FAST',
    backbone=dict(type='fast_backbone', config='config/fast/nas-configs/fast_tiny.config'),
    neck=dict(type='fast_neck', config='config/fast/nas-configs/fast_tiny.config'),
    detection_head=dict(
        type='fast_head', config='config/fast/nas-configs/fast_tiny.config', pooling_size=9, dropout_ratio=0.1,
        loss_text=dict(type='DiceLoss', loss_weight=0.5),
        loss_kernel=dict(type='DiceLoss', loss_weight=1.0),
        loss_emb=dict(type='EmbLoss_v1', feature_dim=4, loss_weight=0.25)))
data = dict(
    batch_size=16,
    train=dict(type='FAST_IC15', split='train', is_transform=True, img_size=64, short_size=96, pooling_size=9),
    test=dict(type='FAST_IC15', split='test', short_size=96))
train_cfg = dict(lr=1e-3, schedule='polylr', epoch=2, optimizer='Adam')
test_cfg = dict(min_score=0.5, min_area=50, bbox_type='rect', result_path='outputs/submit_ic15.zip')
"""
FLAGS = """
--batch_size 2 --ga_steps 2 --num_workers 1 --repeat_times 1 --channels_last --prefetch_factor 8 --val_prefetch_factor 2
--pin_memory_train --pin_memory_val --amp --save_every_steps 1 --val_every_steps 1 --val_max_samples 2
--val_num_workers 1 --seed 3 --report_to tensorboard
"""


@pytest.fixture
def train(tmp_path: Path, lmdbs):
    """``train(*more)``: the guide's command; the folder it wrote to, and what it said."""
    config, start = tmp_path / "fast_sample_finetune.py", tmp_path / "checkpoint_7ep.pth"
    config.write_text(PUBLISHED_FORM)
    network = build_network("tiny")
    state = {f"_orig_mod.{key}": value for key, value in keyed_state(network).items()}
    torch.save({"epoch": 7, "global_step": 70, "state_dict": state, "optimizer": {}, "scheduler": {}}, start)
    places = {"config": config, "lmdb_base": tmp_path, "output_dir": tmp_path / "out", "checkpoint": start}

    def run(*more: str) -> tuple[Path, str]:
        named = [f"--{name}={path}" for name, path in places.items()]
        done = CliRunner().invoke(train_fast_command, [*named, *FLAGS.split(), *more], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return tmp_path / "out", done.output

    return run


def test_the_guides_command_trains_and_leaves_what_a_person_looks_at(train):
    folder, said = train()
    table = pd.read_csv(folder / "results.csv")
    assert table["step"].tolist() == [1, 2, 3, 4]  # two passes over 6 pages, in steps of 2 x 2
    assert table[["loss", "text", "kernel", "embedding", "learning_rate", "hmean"]].notna().all().all()
    assert f"best: {folder / 'best_checkpoint.pth'}\n" in said
    for name in ("curves.png", "training_batch.png", "validation.png"):
        assert cv2.imread(str(folder / name)) is not None
    assert list(folder.glob("events.out.tfevents.*"))
    network, found = load_network(folder / "best_checkpoint.pth")
    config = found.extras["config"]
    assert (network.variant, config["batch_size"], config["repeat_times"], config["epochs"]) == ("tiny", 2, 1, 2)
    assert (config["img_size"], config["short_size"], config["min_area"]) == (64, 96, 50)
    assert len(list(folder.glob("checkpoint_*.pth"))) == 3


def test_the_guides_command_resumes(train):
    folder, _ = train("--max_steps=2")
    middle = folder / "checkpoint_step_1.pth"
    _, said = train("--max_steps=4", f"--resume={middle}")
    assert pd.read_csv(folder / "results.csv")["step"].tolist() == [1, 2, 3, 4]
    assert "best: " in said


@pytest.mark.slow
def test_compile_is_asked_for_the_given_mode_and_leaves_a_plain_checkpoint(train, monkeypatch):
    """Tracing is real; code is not generated, which takes a minute."""
    modes, honest = [], torch.compile

    def traced(network, mode):
        modes.append(mode)
        return honest(network, backend="aot_eager")

    monkeypatch.setattr(torch, "compile", traced)
    folder, _ = train("--max_steps=1", "--compile", "--compile_mode=max-autotune")
    assert modes == ["max-autotune"]
    network, _ = load_network(folder / "best_checkpoint.pth")
    assert network.variant == "tiny"


def test_without_validation_pages_it_is_said_that_nothing_was_validated(train, lmdbs):
    shutil.rmtree(lmdbs[1])
    folder, said = train("--max_steps=1")
    assert f"not validated, for no *_valid_layout.lmdb there has a page: {folder / 'best_checkpoint.pth'}" in said
