"""What steps on other machines are told and given, and what is said when a package is missing."""

from __future__ import annotations

import json
import sys

import dagster as dg
import pytest

from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.choice import EXECUTOR_VARIABLE
from ocr_pipeline.orchestration.execution.clusters import DemandTag, fleet_demand
from ocr_pipeline.orchestration.execution.demands import Spread, demand_tags, has_layout_model


@pytest.mark.parametrize(
    ("chosen", "variable", "expected"),
    [
        (None, "", False),
        (None, "PP-DocLayoutV2", True),
        ("none", "PP-DocLayoutV2", False),
        ("PP-DocLayoutV2", "", True),
    ],
)
def test_a_run_says_whether_a_model_looks_at_its_pages(chosen: str | None, variable: str, expected: bool) -> None:
    config = {"ops": {"layout_lmdb": {"config": {"model": chosen}}}} if chosen else {}
    run = dg.DagsterRun("data", run_config=config)
    assert has_layout_model(run, {"FAST_LAYOUT_MODEL": variable}) is expected


@pytest.mark.parametrize(
    ("said", "has_model", "shares_models", "gpus", "expected"),
    [
        ("always", False, False, 1, (1, True)),
        (None, False, True, 1, (1, False)),
        ("with_gpus", False, False, 1, (0, True)),
        ("with_gpus", True, False, 1, (1, False)),
        ("with_gpus", True, True, 1, (1, True)),
        ("with_gpus", True, True, 0, (0, False)),
    ],
)
def test_pieces_that_a_model_looks_at_are_for_everyone_who_has_a_gpu(
    said: Spread | None, has_model: bool, shares_models: bool, gpus: int, expected: tuple[int, bool]
) -> None:
    tag = DemandTag("words", lambda demand, spread: {"told": [demand.gpus, spread]}, shares_models)
    told = tag.translated(demand_tags(gpus=gpus, spread=said), None, has_model=has_model)
    assert tuple(json.loads(told["words"])["told"]) == expected


@pytest.mark.parametrize(("executor", "package"), [("ray", "dagster_ray"), ("k8s", "dagster_k8s")])
def test_an_engine_that_is_not_installed_names_its_extra(
    executor: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("ocr_pipeline.orchestration.execution.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv(EXECUTOR_VARIABLE, executor)
    with pytest.raises(PipelineError, match=rf"{package} .*pip install 'ocr_pipeline\[{executor}\]'"):
        build_definitions()


def test_a_fleet_without_gpus_is_asked_for_none() -> None:
    tags = demand_tags(gpus=2, cpus=4)
    assert fleet_demand(tags, "gpu", {}) == Demand(2, 4, 0)
    assert fleet_demand(tags, "gpu", {"OCR_PIPELINE_GPUS": "0,1"}) == Demand(2, 4, 0)
    assert fleet_demand(tags, "gpu", {"OCR_PIPELINE_GPUS": ""}) == Demand(0, 4, 0)
    assert fleet_demand({}, "gpu", {"OCR_PIPELINE_GPUS": " "}) == Demand(0, 1, 0)
