"""A base that is named as on the hub: asked for once, and taken from the cache where the hub is not reached."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.pretrained import found_on_the_hub

NOWHERE = "http://127.0.0.1:9"


class _Answers(SimpleHTTPRequestHandler):
    """Has what lies in its folder, and says of all else what the hub says."""

    def end_headers(self) -> None:
        self.send_header("X-Error-Code", "RepoNotFound")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "api/models/me").mkdir(parents=True)
    (tmp_path / "api/models/me/model").write_text('{"id": "me/model"}')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answers, directory=str(tmp_path))) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("hub")
def test_what_the_hub_has_keeps_its_name_and_what_it_has_not_is_told() -> None:
    assert found_on_the_hub("me/model") == "me/model"
    with pytest.raises(PipelineError, match="no such model on the Hugging Face hub, or it is private: you/model"):
        found_on_the_hub("you/model")


@pytest.mark.usefixtures("hub")
def test_without_the_hub_the_cache_is_taken_or_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", NOWHERE)
    with pytest.raises(PipelineError, match=r"is not reached .*me/model.*hf download me/model --local-dir"):
        found_on_the_hub("me/model")
    snapshot = tmp_path / "models--me--model" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--me--model" / "refs").mkdir()
    (tmp_path / "models--me--model" / "refs" / "main").write_text("1")
    assert found_on_the_hub("me/model") == str(snapshot)


@pytest.mark.parametrize("name", ["model", "a/b/c", "/nowhere/model", "me/mo del"])
def test_what_is_no_name_of_the_hub_is_not_asked_for(name: str) -> None:
    with pytest.raises(PipelineError, match="there is no such base model"):
        found_on_the_hub(name)
