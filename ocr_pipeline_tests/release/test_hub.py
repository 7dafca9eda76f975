"""Models go to a hub (one of our own, on this machine) with their card, and with nothing that is not for others."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from ocr_pipeline.cli import cli
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import FAST_KOREAN, KOREAN_WORDS

TOKEN = "hf_aTokenThatNobodyMaySee"


class Hub(ThreadingHTTPServer):
    """The endpoints of the hub that an upload uses; ``files`` are what was committed, ``refusal`` what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files, self.asked, self.refusal, self.is_private = dict[str, bytes](), list[Any](), 0, False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer({"id": "me/model", "private": self.server.is_private})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"]))
        if self.server.refusal:
            return self._answer({"error": "no\x1b[2J"}, self.server.refusal)
        if self.path == "/api/repos/create":
            self.server.is_private |= json.loads(body).get("visibility") == "private"
            return self._answer({"url": f"{self.server.address}/me/model"})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            sent = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            return self._answer({"files": sent})
        if "/commit/" in self.path:
            lines = [json.loads(line)["value"] for line in body.splitlines()]
            self.server.files |= {line["path"]: base64.b64decode(line["content"]) for line in lines if "path" in line}
            return self._answer({"commitUrl": f"{self.server.address}/me/model/commit/1", "commitOid": "1"})
        return self._answer({"errors": [], "warnings": []})

    def _answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
        server.shutdown()
        thread.join()


def push(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["push", *map(str, arguments)])


def error_of(done: Result) -> str:
    assert isinstance(done.exception, PipelineError), done.output
    assert TOKEN not in done.output + str(done.exception)
    return str(done.exception)


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    """A checkpoint of adapters to the recognizer that is shipped, as a training leaves it."""
    folder = tmp_path / "checkpoint-10"
    write(folder, KOREAN_WORDS)
    return folder


def write(folder: Path, base: str) -> None:
    for adapter in ("encoder_dora", "decoder_lora"):
        (folder / adapter).mkdir(parents=True)
        (folder / adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    for name in ("README.md", "base.json", "trainer_state.pt", ".secret"):
        (folder / name).write_text(f"content of {name}")


def test_a_detector_goes_with_a_card_of_its_own_numbers(hub: Hub, tmp_path: Path) -> None:
    detector = tmp_path / "detector.pth"
    detector.write_bytes(FAST_KOREAN.read_bytes())
    done = push(detector, "--repo", "me/model")
    assert done.exit_code == 0, done.exception
    assert done.output == f"{detector} -> {hub.address}/me/model\n"
    assert hub.files["detector.pth"] == detector.read_bytes()
    card = hub.files["README.md"].decode()
    assert "FAST tiny" in card and "| synthetic_train_layout.lmdb | 2,400 |" in card and str(tmp_path) not in card
    assert {token for _, token in hub.asked} >= {f"Bearer {TOKEN}"} and TOKEN not in done.output


def test_the_card_that_lies_beside_a_detector_goes_as_it_is(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(b"onnx")
    (tmp_path / "detector.md").write_text("my words")
    assert push(tmp_path / "detector.onnx", "--repo", "me/model").exit_code == 0
    assert hub.files == {"detector.onnx": b"onnx", "README.md": b"my words"}


def test_of_a_recognizer_the_state_of_its_training_stays(hub: Hub, adapters: Path) -> None:
    assert push(adapters, "--repo", "me/model").exit_code == 0
    configs = {"encoder_dora/adapter_config.json", "decoder_lora/adapter_config.json"}
    assert set(hub.files) == {"README.md", "base.json", *configs}
    assert hub.files["README.md"] == b"content of README.md"


def test_what_others_cannot_use_is_refused_before_anything_is_sent(hub: Hub, tmp_path: Path, adapters: Path) -> None:
    (tmp_path / "base").mkdir()
    write(tmp_path / "checkpoint-20", str(tmp_path / "base"))
    assert "merge-dlora" in error_of(push(tmp_path / "checkpoint-20", "--repo", "me/model"))
    (adapters / "README.md").unlink()
    assert "no card" in error_of(push(adapters, "--repo", "me/model"))
    assert "no recognizer here" in error_of(push(tmp_path, "--repo", "me/model"))
    torch.save(torch.load(FAST_KOREAN, weights_only=True) | {"optimizer": {}}, tmp_path / "checkpoint_step_5.pth")
    assert "export-fast" in error_of(push(tmp_path / "checkpoint_step_5.pth", "--repo", "me/model"))
    (tmp_path / "notes.md").write_text("not for others")
    assert "no checkpoint" in error_of(push(tmp_path / "notes.md", "--repo", "me/model"))
    assert "name of a repository" in error_of(push(FAST_KOREAN, "--repo", "model"))
    assert not hub.asked


def test_private_means_private(hub: Hub, adapters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert push(adapters, "--repo", "me/model", "--private").exit_code == 0 and hub.is_private
    hub.files.clear()
    monkeypatch.setattr(Hub, "is_private", property(lambda _: False, lambda *_: None), raising=False)
    assert "already and public" in error_of(push(adapters, "--repo", "me/model", "--private"))
    assert not hub.files


@pytest.mark.parametrize(("status", "remedy"), [(401, "does not know this token"), (403, "right to write")])
def test_a_refusal_is_told_with_its_remedy(hub: Hub, adapters: Path, status: int, remedy: str) -> None:
    hub.refusal = status
    told = error_of(push(adapters, "--repo", "me/model"))
    assert remedy in told and str(status) in told and "\x1b" not in told


def test_no_token_and_no_network_are_told(
    hub: Hub, adapters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "the hub is not reached" in error_of(push(adapters, "--repo", "me/model"))
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "HF_TOKEN" in error_of(push(adapters, "--repo", "me/model"))
