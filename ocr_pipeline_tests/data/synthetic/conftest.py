from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline.data.synthetic import Collection, write_collection

SMALL = (160, 224)


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Four pages of each training partition, without faults."""
    return write_collection(tmp_path_factory.mktemp("share"), pages=4, page_size=SMALL)


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """One page of each partition, and all faults."""
    return write_collection(tmp_path_factory.mktemp("faulty"), pages=1, page_size=SMALL, faults=True)


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
