"""Commands are run in an empty folder: they would read the ``.env`` of a demo where the tests happen to be started."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
