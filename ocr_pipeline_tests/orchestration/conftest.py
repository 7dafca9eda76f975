"""A small share with faults, and the code location over it with a storage of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.workspace import Workspace

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
