"""All checks of an asset in one step: a step costs seconds of its own, a check of a partition hardly any."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.orchestration.dagster_private import AssetCheckEvaluationTargetMaterializationData
from ocr_pipeline.orchestration.execution.demands import AFTER_A_CRASH, SMALL
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS
from ocr_pipeline.orchestration.resources import Locations, stage_of
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.orchestration.versions import latest_record
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
    """The step that makes these checks of the partitions of an asset that a run is about."""
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
    def step(context: dg.AssetCheckExecutionContext, locations: Locations) -> Iterator[Told]:
        key = locations.key(stage_of(asset.key))
        for partition in context.partition_keys:
            for check in checks:
                with stage_run(context, partition):
                    found = check.find(locations.workspace, source_partition(partition))
                if not found.passed:
                    context.log.warning(f"{partition}: {check.name} did not pass")
                yield _evaluation(context.instance, key, partition, check, found)
        yield from (dg.Output(None, output_name=spec.get_python_identifier()) for spec in specs)

    return step


Told = dg.AssetCheckEvaluation | dg.Output[None]


def _evaluation(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str, check: PartitionCheck, found: Finding
) -> dg.AssetCheckEvaluation:
    """As Dagster makes it of a result; of the results of several partitions it would make one."""
    record = latest_record(instance, asset, partition)
    return dg.AssetCheckEvaluation(
        asset,
        check.name,
        passed=found.passed,
        metadata=found.metadata,
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        if record
        else None,
        severity=found.severity,
        blocking=check.blocking,
        partition=partition,
    )
