"""The paddle engine's own half, with a stand-in for paddle at the other end of the pipe."""

import io
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import LayoutSettings, make_paddle_environment, open_engine, paddle_environment
from ocr_pipeline.data.layout_lmdb.engines.paddle_process import messages
from ocr_pipeline.errors import PipelineError

STAND_IN = """
import sys
sys.path.insert(0, {package!r})
import numpy as np
from messages import read_message, write_message

out = sys.stdout.buffer
if {fault!r} == "load":
    write_message(out, {{"error": "ValueError: no such device"}})
    sys.exit()
write_message(out, {{"config": {{"id2label": {{"0": "text", "1": "table"}}, "class_thresholds": [0.5, 0.5]}}}})
while True:
    _, (pixels,) = read_message(sys.stdin.buffer)
    if {fault!r} == "die":
        sys.exit("out of memory")
    count = len(pixels)
    logits = np.full((count, 2, 2), -9, np.float32)
    logits[:, 0, 0] = logits[:, 1, 1] = pixels[:, 0, 0, 0]
    boxes = np.tile(np.array([[0.5, 0.25, 1, 0.5], [0.5, 0.75, 1, 0.5]], np.float32), (count, 1, 1))
    write_message(out, {{}}, logits, boxes, np.full((count, 2, 2), -5, np.float32))
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    def make(fault: str = "") -> Path:
        folder = tmp_path / "paddle"
        (folder / "bin").mkdir(parents=True)
        package = str(Path(messages.__file__).parent)
        (folder / "stand_in.py").write_text(STAND_IN.format(package=package, fault=fault))
        python = folder / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/stand_in.py"\n')
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        (folder / "ready").touch()
        monkeypatch.setenv("OCR_PIPELINE_PADDLE_ENV", str(folder))
        return folder

    return make


@pytest.fixture
def settings(tmp_path):
    weights = tmp_path / "PP-DocLayoutV2_safetensors"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    (weights / "model.safetensors").write_bytes(b"")
    return LayoutSettings(model=str(weights), device="cpu", backend="paddle")


def test_raw_answers_become_detections(environment, settings):
    environment()
    engine = open_engine(settings)
    pixels = np.full((2, 800, 800, 3), 3, np.uint8)
    first, _ = engine.infer(pixels, [(200, 100), (10, 10)])
    assert (engine.backend, engine.name, engine.labels) == ("paddle", "PP-DocLayoutV2", ("text", "table"))
    assert first.labels.tolist() == [1, 0]  # the order logits say that the second comes first
    np.testing.assert_allclose(first.boxes, [(0, 50, 200, 100), (0, 0, 200, 50)])
    np.testing.assert_allclose(first.scores, 1 / (1 + np.exp(-3)), atol=1e-6)
    engine.close()


def test_a_process_that_dies_says_why(environment, settings):
    environment("die")
    engine = open_engine(settings)
    with pytest.raises(PipelineError, match="out of memory"):
        engine.infer(np.zeros((1, 800, 800, 3), np.uint8), [(1, 1)])


def test_a_model_that_cannot_be_loaded_says_why(environment, settings):
    environment("load")
    with pytest.raises(PipelineError, match="no such device"):
        open_engine(settings)


def test_without_an_environment_the_error_names_the_command(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("OCR_PIPELINE_PADDLE_ENV", str(tmp_path / "nothing"))
    with pytest.raises(PipelineError, match="ocr-pipeline paddle-env"):
        open_engine(settings)


def test_an_environment_is_ready_only_when_all_is_installed(tmp_path, monkeypatch):
    commands = []

    class Done:
        returncode = 0

    def run(command, check):
        commands.append(command)
        (tmp_path / "env").mkdir(exist_ok=True)
        return Done()

    monkeypatch.setattr("subprocess.run", run)
    make_paddle_environment(tmp_path / "env", gpu=True)
    assert (tmp_path / "env/ready").exists()
    assert "paddlepaddle-gpu>=3.2.1,<3.3" in commands[1] and "paddleocr>=3.7,<3.8" in commands[2]
    Done.returncode = 1
    with pytest.raises(PipelineError, match="paddle environment"):
        make_paddle_environment(tmp_path / "env")
    assert not (tmp_path / "env/ready").exists()
    assert paddle_environment({}).name == "paddle"


def test_messages_come_back_and_nothing_else_is_taken():
    pipe = io.BytesIO()
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.uint8)]
    messages.write_message(pipe, {"a": "나"}, *arrays)
    whole = pipe.getvalue()
    content, back = messages.read_message(io.BytesIO(whole))
    assert content == {"a": "나"} and all(
        (a == b).all() and a.shape == b.shape for a, b in zip(arrays, back, strict=True)
    )
    with pytest.raises(EOFError):
        messages.read_message(io.BytesIO(whole[:-3]))
    with pytest.raises(ValueError, match="object"):
        messages.read_message(io.BytesIO(whole.replace(b"float32", b" object")))
