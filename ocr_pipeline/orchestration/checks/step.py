"""All checks of an asset in one step: a step costs seconds of its own, a check of a partition hardly any."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, SMALL
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.artifacts.workspace import Workspace

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Finding:
    """What a check found of one partition."""

    passed: bool
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: dg.AssetCheckSeverity = ERROR


@dataclass(frozen=True)
class PartitionCheck:
    """One check of a partition.

    Attributes:
        blocking: a failure (of severity ERROR) holds back what would be built on the asset in the same run.
    """

    name: str
    description: str
    find: Callable[[Workspace, SourcePartition], Finding]
    blocking: bool = False


def check_step(asset: dg.AssetsDefinition, checks: Sequence[PartitionCheck]) -> dg.AssetChecksDefinition:
    """The step that makes these checks of one partition of an asset."""
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=asset.key,
            description=check.description,
            blocking=check.blocking,
            partitions_def=SOURCE_PARTITIONS,
        )
        for check in checks
    ]

    @dg.multi_asset_check(
        name=f"{asset.key.to_user_string()}_checks", specs=specs, op_tags=SMALL, retry_policy=AFTER_A_CRASH
    )
    def step(context: dg.AssetCheckExecutionContext, locations: Locations) -> Iterator[dg.AssetCheckResult]:
        partition = source_partition(context.partition_key)
        for check in checks:
            with stage_run(context):
                found = check.find(locations.workspace, partition)
            yield dg.AssetCheckResult(
                asset_key=asset.key,
                check_name=check.name,
                passed=found.passed,
                severity=found.severity,
                metadata=found.metadata,
            )

    return step
