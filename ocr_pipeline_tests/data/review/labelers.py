"""Programs in which people label text, as they are: a Label Studio that is started, and the file code of PPOCRLabel.

Both lie in an environment of their own (`make test-labelers`), for Label Studio asks for other versions of much.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocr_pipeline_tests.ui.conftest import free_port

ENVIRONMENT = "LABELERS_ENV"
_QUIET = {
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}
_STARTS = 300  # seconds: the first start makes its data base


def environment() -> Path:
    """Where the programs are installed."""
    place = os.environ.get(ENVIRONMENT)
    if not place:
        pytest.fail(f"{ENVIRONMENT} names no environment: run `make test-labelers`")
    return Path(place)


@dataclass(frozen=True)
class LabelStudio:
    """A server that runs."""

    url: str
    token: str

    def call(self, method: str, path: str, content: object = None) -> Any:
        """What its API answers."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def label_studio(folder: Path) -> Iterator[LabelStudio]:
    """Start a Label Studio whose data lie in a folder; it ends with the block."""
    port, token = free_port(), "0123456789abcdef" * 2 + "01234567"
    who = ["--username", "somebody@example.org", "--password", "12345678", "--user-token", token]
    at = ["--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--enable-legacy-api-token"]
    settings = {**os.environ, **_QUIET, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    settings.pop("PYTHONPATH", None)
    command = [str(environment() / "bin" / "label-studio"), "start", *at, *who]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, start_new_session=True)
        server = LabelStudio(f"http://127.0.0.1:{port}", token)
        try:
            _wait(server, process, folder / "server.log")
            yield server
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(server: LabelStudio, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _STARTS
    while not server.is_up():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, "Label Studio does not answer"
        time.sleep(0.5)


_METHODS = ("loadLabelFile", "savePPlabel", "saveCacheLabel", "loadFilestate", "saveFilestate", "getImglabelidx")


@dataclass
class PPOCRLabel:
    """PPOCRLabel without its windows: its own methods for opening a folder and saving it, taken out of its source."""

    folder: Path
    texts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _window: Any = None

    def __post_init__(self) -> None:
        """Open the folder, in the order of its ``importDirImages``."""
        methods = _own_methods()
        self._window = SimpleNamespace(actions=_Anything(), lang="en", PPlabel={}, Cachelabel={})
        for name in _METHODS:
            setattr(self._window, name, methods[name].__get__(self._window))
        self._window.loadFilestate(str(self.folder))
        self._window.PPlabelpath = f"{self.folder}/Label.txt"
        self._window.PPlabel = self._window.loadLabelFile(self._window.PPlabelpath)
        self.texts = self._window.PPlabel

    def save(self) -> None:
        """As *Save* and its automatic saving do."""
        self._window.saveFilestate()
        self._window.savePPlabel(mode="Auto")


class _Anything:
    """Buttons that may be switched on."""

    def __getattr__(self, _: str) -> Any:
        return _Anything()

    def __call__(self, *_: object) -> None:
        """Nothing happens."""


def _own_methods() -> dict[str, Any]:
    (source,) = (environment() / "lib").glob("python*/site-packages/PPOCRLabel/PPOCRLabel.py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in _METHODS]
    names: dict[str, Any] = {"os": os, "json": json, "platform": platform}
    exec(compile(ast.Module(found, []), str(source), "exec"), names)  # noqa: S102 - the program that is tested
    return names
