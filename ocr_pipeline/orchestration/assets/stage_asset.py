"""A stage as an asset: what the stage table says of it need not be said again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, GPU_POOL, GPUS_TAG
from ocr_pipeline.orchestration.korean import in_both_languages
from ocr_pipeline.orchestration.launchpad import Schema
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS
from ocr_pipeline.storage.artifacts.stages import STAGES

Compute = Callable[..., dg.MaterializeResult] | Callable[..., Iterator[dg.MaterializeResult]]


def stage_asset(
    name: str,
    kind: str,
    code_version: str,
    demand: Mapping[str, str],
    *,
    config_schema: Schema | None = None,
    deps: Sequence[str | dg.AssetDep] = (),
    automation_condition: dg.AutomationCondition | None = None,
    description: str | None = None,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """The decorator of a stage's asset.

    Args:
        kind: of its artifact, as the UI shows it.
        demand: what its step needs (`demands`); one that needs a GPU queues for it.
        deps: instead of what the table says it needs, the same with the partitions that it takes of each.
        description: instead of the docstring.
    """
    stage = STAGES[name]

    def make(compute: Compute) -> dg.AssetsDefinition:
        asset = dg.asset(
            name=name,
            deps=deps or stage.needs,
            partitions_def=SOURCE_PARTITIONS if stage.each else None,
            group_name=stage.group,
            kinds={kind},
            owners=["team:ocr"],
            code_version=code_version,
            pool=GPU_POOL if int(demand[GPUS_TAG]) else None,
            op_tags=demand,
            retry_policy=AFTER_A_CRASH,
            config_schema=config_schema,
            automation_condition=automation_condition,
            description=in_both_languages(stage, description or compute.__doc__ or ""),
        )
        return asset(compute)

    return make
