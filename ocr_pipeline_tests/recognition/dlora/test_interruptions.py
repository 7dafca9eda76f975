"""Trainings that are killed, asked to stop, or done by several processes end as one that nobody disturbed."""

import csv
import os
import signal

import pytest

from ocr_pipeline_tests.recognition.conftest import write_jsonl
from ocr_pipeline_tests.recognition.dlora.starting import run, start, wait_for_step
from ocr_pipeline_tests.recognition.dlora.test_training import assert_same, weights


@pytest.fixture(scope="module")
def whole(base_folder, tmp_path_factory, module_data):
    """An undisturbed training; 19 crops make epochs of five steps, so that checkpoints lie within epochs."""
    output = tmp_path_factory.mktemp("whole") / "run"
    run(base_folder, output, *module_data)
    return output


@pytest.fixture(scope="module")
def module_data(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("data")
    return [write_jsonl(folder, "train", words[:19])], [write_jsonl(folder, "valid", words[19:])]


def same_run(one, other):
    assert_same(weights(one / "checkpoint-28"), weights(other / "checkpoint-28"))
    for name in ("results.csv", "charset.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.kill
def test_a_training_killed_in_mid_epoch_ends_in_the_same_weights(whole, base_folder, module_data, tmp_path):
    output = tmp_path / "run"
    process = start(base_folder, output, *module_data)
    wait_for_step(output, 9)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (output / "checkpoint-28").exists()
    run(base_folder, output, *module_data, resume_from_checkpoint="last")
    same_run(whole, output)


@pytest.mark.slow
def test_a_training_asked_to_stop_saves_where_it_is(whole, base_folder, module_data, tmp_path):
    output = tmp_path / "run"
    changes = {"save_steps": 1000, "eval_steps": 1000, "dataloader_num_workers": 1}
    process = start(base_folder, output, *module_data, **changes)
    wait_for_step(output, 3)
    os.killpg(process.pid, signal.SIGTERM)  # as a service manager does: the workers get it too
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    log = output.with_suffix(".log").read_text()
    assert "stopped by SIGTERM at step" in log and "--resume_from_checkpoint last" in log and "Traceback" not in log
    (checkpoint,) = output.glob("checkpoint-*")
    assert checkpoint.name != "checkpoint-28"
    run(base_folder, output, *module_data, **changes, resume_from_checkpoint="last")
    assert_same(weights(whole / "checkpoint-28"), weights(output / "checkpoint-28"))


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_twice_the_batch(base_folder, module_data, tmp_path):
    """Without dropout, which no two processes draw alike; the last step of an epoch has a sample for one only."""
    changes = {"lora_dropout": 0.0, "eval_steps": 14, "save_steps": 14}
    run(base_folder, tmp_path / "one", *module_data, per_device_train_batch_size=6, **changes)
    run(base_folder, tmp_path / "two", *module_data, processes=2, per_device_train_batch_size=3, **changes)
    one, two = tmp_path / "one", tmp_path / "two"
    assert_same(weights(one / "checkpoint-28"), weights(two / "checkpoint-28"), atol=2e-5, rtol=0)
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    rows = [list(csv.DictReader((folder / "results.csv").open())) for folder in (one, two)]
    assert [row["step"] for row in rows[0]] == [row["step"] for row in rows[1]]
    assert (one / "predictions.csv").read_text().count("\n") == (two / "predictions.csv").read_text().count("\n") == 5
    log = (tmp_path / "two.log").read_text()
    assert log.count("step 28 of 28") == log.count("best: ") == 1


@pytest.mark.slow
def test_two_processes_resume_exactly(base_folder, module_data, tmp_path):
    changes = {"processes": 2, "per_device_train_batch_size": 3}
    run(base_folder, tmp_path / "whole", *module_data, **changes)
    process = start(base_folder, tmp_path / "torn", *module_data, **changes)
    wait_for_step(tmp_path / "torn", 9)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0
    assert not (tmp_path / "torn/checkpoint-28").exists()
    run(base_folder, tmp_path / "torn", *module_data, **changes, resume_from_checkpoint="last")
    same_run(tmp_path / "whole", tmp_path / "torn")
