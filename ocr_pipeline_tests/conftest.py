from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ocr_pipeline.data.synthetic import Collection, write_collection
from ocr_pipeline.storage.artifacts.workspace import Workspace

# A shell that puts the tests into the background has SIGINT ignored; Dagster would treat SIGTERM alike, and every
# process that a test starts and stops would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder for artifacts."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def faulty_collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Two pages of each training partition and every fault that users report. Read only."""
    return write_collection(tmp_path_factory.mktemp("collection"), pages=2, page_size=(160, 224), faults=True)
