"""What steps on other machines are told and given, and what is said when a package is missing."""

from __future__ import annotations

import sys

import pytest

from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.choice import EXECUTOR_VARIABLE
from ocr_pipeline.orchestration.execution.clusters import fleet_demand
from ocr_pipeline.orchestration.execution.demands import demand_tags


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
