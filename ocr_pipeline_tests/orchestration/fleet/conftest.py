"""A database and a cluster for the tests of this folder, and the pretended steps over the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.orchestration.execution.choice import EXECUTOR_VARIABLE
from ocr_pipeline_tests.orchestration.conftest import Floor
from ocr_pipeline_tests.orchestration.execution import pretended
from ocr_pipeline_tests.orchestration.fleet.servers import Postgres, postgres, ray_head

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a Ray cluster with two cores and two pretended GPUs."""
    with ray_head(cpus=2, gpus=2) as head:
        yield head.jobs


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: str) -> Iterator[Floor]:
    """A Dagster home on SQLite, its steps on the cluster."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    variables = {EXECUTOR_VARIABLE: "ray", "RAY_API_SERVER_ADDRESS": cluster}
    with opened_floor(home, monkeypatch, variables) as floor:
        yield floor


@contextmanager
def opened_floor(home: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Iterator[Floor]:
    """The pretended steps beside a Dagster home, under the variables of an engine."""
    folder = home.parent
    own = {"DAGSTER_HOME": str(home), pretended.FOLDER_VARIABLE: str(folder)}
    for name, value in {**own, **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OCR_PIPELINE_GPUS", raising=False)
    with dg.DagsterInstance.get() as instance:
        instance.get_runs_count()  # two first openers of a home could corrupt it
        instance.get_latest_materialization_event(dg.AssetKey("nothing"))
        yield Floor(folder, instance)
