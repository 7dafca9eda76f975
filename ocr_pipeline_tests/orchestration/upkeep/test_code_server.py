"""A code server that is told to stop, as a container engine does it, with a training under way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._grpc.client import DagsterGrpcClient
from dagster._utils import find_free_port

from ocr_pipeline.orchestration.upkeep import code_server
from ocr_pipeline_tests.orchestration.conftest import Floor, until
from ocr_pipeline_tests.orchestration.execution import pretended

SERVE = f"import sys; from {code_server.__name__} import serve; sys.exit(serve(sys.argv[1:], '{pretended.__name__}'))"


@pytest.mark.slow
def test_a_training_saves_before_its_server_is_gone(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETENDED_SAVING", "20")  # longer than the server would stay for anything else
    port = find_free_port()
    command = [sys.executable, "-c", SERVE, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, start_new_session=True)
    try:
        client = DagsterGrpcClient(port=port, host="127.0.0.1")
        until(lambda: client.health_check_query() == "SERVING")
        launch(tmp_path, port, "training_job")
        until(lambda: floor.lines("pid"))
        server.send_signal(signal.SIGTERM)
        assert server.wait(90) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
    assert (tmp_path / "saved").exists()
    (run,) = floor.instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert run.tags["dagster/failure_reason"] == "UNEXPECTED_TERMINATION"  # which is what `run_retries` retries
    until(lambda: floor.leases() == 0)


def launch(folder: Path, port: int, job: str) -> None:
    """Ask the server to start a run, as the daemon would."""
    home = folder / "home" / "dagster.yaml"
    home.write_text(
        home.read_text() + "run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}\n"
    )
    workspace = folder / "workspace.yaml"
    workspace.write_text(f"load_from: [grpc_server: {{host: 127.0.0.1, port: {port}, location_name: pretended}}]\n")
    command = [sys.executable, "-m", "dagster", "job", "launch", "-w", str(workspace), "-j", job]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
