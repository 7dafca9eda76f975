from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from hypothesis import settings

from ocr_pipeline.data.synthetic import Collection, KoreanWords, render_word, write_collection
from ocr_pipeline.storage.artifacts.workspace import Workspace

settings.register_profile("shared machine", deadline=None)  # others use it too: an example may take its time
settings.load_profile("shared machine")

# A shell that puts the tests into the background has SIGINT ignored; Dagster would treat SIGTERM alike, and every
# process that a test starts and stops would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _sigterm_ends_a_process() -> Iterator[None]:
    """A run of Dagster leaves SIGTERM raising KeyboardInterrupt; to the next test it is as in a new process."""
    yield
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def _without_waiting_for_the_disk(connection: object, record: object) -> None:
    """A Dagster home of a test need not survive a power cut."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder for artifacts."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def faulty_collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Two pages of each training partition and every fault that users report. Read only."""
    return write_collection(tmp_path_factory.mktemp("collection"), pages=2, page_size=(160, 224), faults=True)


@pytest.fixture(scope="session")
def words() -> list[tuple[str, np.ndarray]]:
    """Printed words, each as (text, RGB crop)."""
    rng = np.random.default_rng(5)
    supply = KoreanWords(rng)
    texts = [supply.administration() for _ in range(24)]
    return [(text, render_word(text, font="sans", height=28, rng=rng)) for text in texts]
