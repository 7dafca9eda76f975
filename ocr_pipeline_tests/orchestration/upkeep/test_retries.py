"""A run whose retry the daemon gives up, because its code server is just being replaced: all of it real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest
from dagster._grpc.client import DagsterGrpcClient
from dagster._utils import find_free_port

from ocr_pipeline.orchestration.upkeep.retries import GIVEN_UP, ask_again_for_retries
from ocr_pipeline_tests.orchestration.conftest import Floor, until
from ocr_pipeline_tests.orchestration.upkeep.test_code_server import SERVE


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *command], start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def served(port: int) -> Iterator[subprocess.Popen[bytes]]:
    with started("-c", SERVE, "--host", "127.0.0.1", "--port", str(port)) as server:
        until(lambda: DagsterGrpcClient(port=port, host="127.0.0.1").health_check_query() == "SERVING")
        yield server


@pytest.mark.slow
def test_a_run_that_failed_while_its_code_was_away_is_tried_again(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS", "1")
    home, workspace, port = tmp_path / "home" / "dagster.yaml", tmp_path / "workspace.yaml", find_free_port()
    home.write_text(home.read_text() + "run_retries: {enabled: true, max_retries: 1}\n")
    workspace.write_text(f"load_from: [grpc_server: {{host: 127.0.0.1, port: {port}, location_name: pretended}}]\n")
    with started("-m", "dagster._daemon", "run", "-w", str(workspace)) as daemon:
        with served(port) as server:
            launch = ["job", "launch", "-w", str(workspace), "-j", "training_job"]
            subprocess.run([sys.executable, "-m", "dagster", *launch], check=True, stdout=subprocess.DEVNULL)
            until(lambda: floor.lines("pid"))
            daemon.send_signal(signal.SIGSTOP)  # so that it learns of the failure only when nobody answers
            server.send_signal(signal.SIGTERM)
            server.wait(60)
        daemon.send_signal(signal.SIGCONT)
        (run,) = floor.instance.get_runs()
        until(lambda: GIVEN_UP in [entry.message for entry in floor.instance.all_logs(run.run_id)])
        with served(port):
            until(lambda: len(floor.instance.get_runs()) == 2, seconds=150)
            again = floor.instance.get_runs()[0]
            assert again.parent_run_id == run.run_id
            until(lambda: floor.instance.get_run_by_id(again.run_id).status is dg.DagsterRunStatus.SUCCESS)
    assert floor.lines("pid")[-1][1] == (tmp_path / "saved").read_text()  # it went on from there
    assert ask_again_for_retries(floor.instance, "pretended") == []
