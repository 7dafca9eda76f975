"""Dagster's storage in a real PostgreSQL, by the shipped configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from dagster_postgres import PostgresEventLogStorage

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.orchestration.upkeep import reaper
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.fleet.conftest import REPOSITORY
from ocr_pipeline_tests.orchestration.fleet.servers import Postgres


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Postgres) -> Iterator[Path]:
    """A home with the configuration as it is shipped; the tables are those of the test before."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(REPOSITORY / "docker" / "dagster.yaml", home)
    environment = {**database.environment, "DAGSTER_HOME": str(home), "DAGSTER_COMPUTE_LOGS": str(tmp_path / "logs")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield home


@pytest.mark.slow
def test_a_run_is_kept_in_the_database(home: Path, small_share: Path, tmp_path: Path) -> None:
    command = ["asset", "materialize", "-m", "ocr_pipeline.definitions", "--select", "merged_json"]
    workspace = Workspace(tmp_path / "output")
    environment = {
        **os.environ,
        "OCR_PIPELINE_SOURCE": str(small_share),
        "OCR_PIPELINE_OUTPUT": str(workspace.root),
        "OCR_PIPELINE_LEASES": str(tmp_path / "leases"),
    }
    both = [  # two first openers of an empty database, which SQLite would not survive
        subprocess.Popen(
            [sys.executable, "-m", "dagster", *command, "--partition", partition],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for partition in ("public_admin_train", "public_admin_valid")
    ]
    assert [run.wait(120) for run in both] == [0, 0]
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
        assert instance.get_materialized_partitions(dg.AssetKey("merged_json")) == {
            "public_admin_train",
            "public_admin_valid",
        }
    assert list(read_pages(workspace.merged_json("public_admin_train"), PARTITIONS["public_admin_train"]))
    assert not list(home.rglob("*.db")) and list((tmp_path / "logs").rglob("*.err"))


def test_no_file_holds_the_password(home: Path, database: Postgres, tmp_path: Path) -> None:
    assert reaper.main() == 0
    password = database.environment["DAGSTER_POSTGRES_PASSWORD"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and password in path.read_text(errors="ignore")]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=database.port, user="dagster", password="another", dbname="dagster")


def test_what_is_not_installed_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    assert reaper.main() == 1
    assert "pip install 'ocr_pipeline[postgres]'" in caplog.text
