"""Steps on the machines of an engine such as Ray or Kubernetes, which is told the demand of each in its own words.

The engine places the step, gives it its devices and keeps others away from them; here nothing is leased. Its step
handler stays as it is and only sees other tags: those of ``demands.py``, translated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from ocr_pipeline.devices.machine import GPUS_VARIABLE, Demand
from ocr_pipeline.orchestration.dagster_private import (
    CheckStepHealthResult,
    DagsterEvent,
    StepHandler,
    StepHandlerContext,
)
from ocr_pipeline.orchestration.execution.demands import SPREAD_TAG, demand_of, has_layout_model, known_pages


@dataclass(frozen=True)
class StepJob:
    """A step that an engine runs, or keeps for later.

    Attributes:
        run: the id of its Dagster run.
    """

    name: str
    run: str


class Cluster(Protocol):
    """What is asked of an engine beside running steps."""

    def devices(self) -> int | None:
        """The GPUs of all its machines, at least 1 slot; None where it cannot say."""

    def step_jobs(self) -> Iterable[StepJob]:
        """The steps that wait or run, of whatever run."""

    def stop(self, job: StepJob) -> None:
        """Ask a step to stop; does not wait for it."""


@dataclass(frozen=True)
class DemandTag:
    """How an engine is told what a step needs.

    Attributes:
        tag: the op tag that the engine reads, JSON.
        value_of: a demand as the value of that tag, and whether its pieces are for everyone.
        shares_models: whether those who work off the pieces have GPUs for models of their own.
    """

    tag: str
    value_of: Callable[[Demand, bool], dict[str, Any]]
    shares_models: bool = False

    def translated(
        self, tags: Mapping[str, str], pool: str | None, pages: int = 0, *, has_model: bool = False
    ) -> dict[str, str]:
        """The tags of a step and its demand in the engine's words; what the tag itself says already comes first.

        Args:
            pages: those of its partition.
            has_model: whether it is one in which a layout model looks at the pages.
        """
        said = json.loads(tags.get(self.tag, "{}"))
        demand = fleet_demand(tags, pool, pages=pages)
        spread = tags.get(SPREAD_TAG)
        if spread == "with_gpus" and not has_model:
            demand = replace(demand, gpus=0)
        shares_model = self.shares_models and demand.gpus > 0
        value = self.value_of(demand, spread == "always" or (spread == "with_gpus" and (shares_model or not has_model)))
        return {**tags, self.tag: json.dumps(_over(value, said))}


def fleet_demand(
    tags: Mapping[str, str], pool: str | None, environment: Mapping[str, str] = os.environ, *, pages: int = 0
) -> Demand:
    """The demand of a step; no GPU in a fleet that has none, which OCR_PIPELINE_GPUS says by being empty.

    Raises:
        PipelineError: a tag is no number.
    """
    demand = demand_of(tags, pool, pages)
    return replace(demand, gpus=0) if environment.get(GPUS_VARIABLE, "any").strip() == "" else demand


class TranslatingStepHandler(StepHandler):
    """An engine's step handler that is asked in its own words."""

    def __init__(self, engine: StepHandler, demand_tag: DemandTag) -> None:
        super().__init__()
        self.engine, self.demand_tag = engine, demand_tag

    @property
    def name(self) -> str:
        return self.engine.name

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        yield from self.engine.launch_step(self._translated(step_handler_context))

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        return self.engine.check_step_health(self._translated(step_handler_context))

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        yield from self.engine.terminate_step(self._translated(step_handler_context))

    def _translated(self, context: StepHandlerContext) -> StepHandlerContext:
        steps = [context.get_step_context(key).step for key in context.step_tags]
        pages = known_pages(context.dagster_run)
        has_model = has_layout_model(context.dagster_run)
        translated = partial(self.demand_tag.translated, pages=pages, has_model=has_model)
        tags = {step.key: translated(step.tags, step.pool) for step in steps}
        return _TranslatedContext(context, tags)


class _TranslatedContext(StepHandlerContext):
    def __init__(self, context: StepHandlerContext, tags: Mapping[str, Mapping[str, str]]) -> None:
        steps = [context.get_step_context(key).step for key in tags]
        super().__init__(context.instance, context._plan_context, steps, context.execute_step_args, context.dagster_run)
        self._tags = tags

    @property
    def step_tags(self) -> Mapping[str, Mapping[str, str]]:
        return self._tags


def _over(base: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two trees in one; where both have a leaf, that of ``above``."""
    merged = {**base, **above}
    for name in base.keys() & above.keys():
        if isinstance(base[name], dict) and isinstance(above[name], dict):
            merged[name] = _over(base[name], above[name])
    return merged
