"""A small share with faults, the code location over it, and a Dagster home: runs as processes on pretended GPUs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.devices.queue import LeaseQueue
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.executor import LEASES_VARIABLE
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.execution import pretended

PAGES = {"text_in_wild": 4, "public_admin_train": 2, "public_admin_valid": 2, "handwriting_train": 2}


@pytest.fixture(scope="session")
def small_share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share")
    write_collection(root, pages=PAGES, faults=True, page_size=(256, 352))
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "output")


@pytest.fixture
def definitions(small_share: Path, workspace: Workspace) -> dg.Definitions:
    return build_definitions(Locations(source=str(small_share), output=str(workspace.root)))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def until(reached: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(frozen=True)
class Floor:
    """Everything a run of the pretended steps touches."""

    folder: Path
    instance: dg.DagsterInstance

    def start(self, job: str) -> subprocess.Popen[bytes]:
        """A run worker."""
        command = ["job", "execute", "-m", pretended.__name__, "-j", job]
        return subprocess.Popen([sys.executable, "-m", "dagster", *command], stderr=subprocess.DEVNULL)

    def lines(self, what: str) -> list[list[str]]:
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.split(" ")[1:] for line in lines if line.startswith(what)]

    def leases(self) -> int:
        return len(LeaseQueue(self.folder / "leases", find_machine(), 1).tickets())


@pytest.fixture
def floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    for name, value in {
        "DAGSTER_HOME": home,
        pretended.FOLDER_VARIABLE: tmp_path,
        "OCR_PIPELINE_GPUS": "0,1",
        "OCR_PIPELINE_CPUS": "4",
        LEASES_VARIABLE: tmp_path / "leases",
    }.items():
        monkeypatch.setenv(name, str(value))
    with dg.DagsterInstance.get() as instance:
        instance.get_runs_count()  # two first openers of a home could corrupt it
        instance.get_latest_materialization_event(dg.AssetKey("nothing"))
        yield Floor(tmp_path, instance)
