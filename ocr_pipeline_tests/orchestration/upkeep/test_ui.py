"""One daemon for a home; what a killed UI left is ended first. Dagster's processes are pretended by their names."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from dagster._utils import find_free_port

from ocr_pipeline.orchestration.upkeep import ui

SLEEPS = "import signal; print(flush=True); signal.pause()"
STARTS = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[2:]]).wait()"
REPOSITORY = Path(__file__).parents[3]
ALARMS = "alembic", "SupersessionWarning", "instance configuration value", "telemetry", "Error"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    for name, text in (("dagster", STARTS), ("dagster-daemon", SLEEPS), ("dagster._daemon", SLEEPS)):
        (tmp_path / name).write_text(text)

    def begin(*words: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(tmp_path / words[0]), *words[1:]]
        values = {**os.environ, "DAGSTER_HOME": str(tmp_path), **environment}
        started.append(subprocess.Popen(command, env=values, stdout=subprocess.PIPE, start_new_session=True))
        started[-1].stdout.readline()
        return started[-1]

    yield begin
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.wait()


def test_a_daemon_that_stands_by_itself_is_left_alone(start: Start, tmp_path: Path, monkeypatch) -> None:
    daemon = start("dagster-daemon", "run")
    start("dagster-daemon", "run", DAGSTER_HOME=str(tmp_path / "another"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert [process.pid for process in ui.services(tmp_path)] == [daemon.pid]
    assert ui.main([]) == 1 and daemon.poll() is None
    assert ui.end_left_over(tmp_path) == []


@pytest.mark.slow
def test_a_fresh_ui_starts_without_alarms_that_nobody_can_act_on(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "dagster_local.yaml", tmp_path / "dagster.yaml")
    lines = list(lines_until_served({"DAGSTER_HOME": str(tmp_path), "OCR_PIPELINE_OUTPUT": str(tmp_path / "output")}))
    assert "Serving dagster-webserver on" in lines[-1]
    assert not [line for line in lines if any(word in line for word in ALARMS)]


def lines_until_served(environment: dict[str, str]) -> Iterator[str]:
    """What `make ui` prints up to the address of the first page; then it is stopped."""
    command = [sys.executable, "-m", ui.__name__, "--workspace", "workspace.yaml", "--port", str(find_free_port())]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | environment, **streams) as started:
        try:
            for line in started.stdout:
                yield line
                if "Serving" in line:
                    break
        finally:
            started.terminate()
            started.stdout.read()


def test_what_a_killed_ui_left_is_ended(start: Start, tmp_path: Path) -> None:
    dev = start("dagster", "dev", str(tmp_path / "dagster._daemon"), "run", DAGSTER_IS_DEV_CLI="1")
    found = {process.pid for process in ui.services(tmp_path)}
    (daemon,) = found - {dev.pid}
    assert len(found) == 2 and not any(map(ui.is_left_over, ui.services(tmp_path)))
    dev.kill()
    dev.wait()
    assert ui.end_left_over(tmp_path) == [daemon] and not psutil.pid_exists(daemon)
    assert list(ui.services(tmp_path)) == []
