"""A stage, and its checks, over the partitions of a run: each is made, told and checked as if it were alone.

One run over many partitions saves what a run costs that finds everything current: a process for each of its steps.
Dagster's own event would give all of them one data version (dagster#34013), so each tells its own as soon as it is
made. What fails holds back no other partition of the stage; it fails the step at its end, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.orchestration.dagster_private import SILENT_OUTPUT
from ocr_pipeline.orchestration.execution.stopping import CancelledError
from ocr_pipeline.orchestration.versions import CODE_VERSION_TAG, input_tags, version_tags

Make = Callable[[SourcePartition], dg.MaterializeResult]


def each_partition(context: dg.AssetExecutionContext, make: Make) -> Iterator[dg.MaterializeResult]:
    """What a stage's asset yields: the result of its partition, or what lets the next step of several begin.

    Raises:
        Failure: some of several partitions failed; the others are made, and Dagster knows of them.
    """
    keys = context.partition_keys
    if len(keys) == 1:
        yield make(source_partition(keys[0]))
        return
    if failed := _failed(context, make, keys):
        raise _failure(failed, len(keys)) from next(iter(failed.values()))
    yield dg.MaterializeResult(metadata=SILENT_OUTPUT)


def _failed(context: dg.AssetExecutionContext, make: Make, keys: Sequence[str]) -> dict[str, Exception]:
    failed: dict[str, Exception] = {}
    for number, key in enumerate(keys, start=1):
        context.log.info(f"[{number}/{len(keys)}] {key}")
        try:
            context.log_event(_event(context, key, make(source_partition(key))))
        except CancelledError:
            raise
        except Exception as error:
            context.log.error(f"{key}: {error}", exc_info=error)
            failed[key] = error
    return failed


def _failure(failed: Mapping[str, Exception], of: int) -> dg.Failure:
    """All that failed, by name; tried again where one of them may go better then."""
    said = "\n".join(f"{key}: {_said(error)}" for key, error in failed.items())
    return dg.Failure(
        f"{len(failed)} of {of} partitions failed, the others are made.\n{said}",
        metadata={key: _remedy(error) for key, error in failed.items()},
        allow_retries=any(not isinstance(error, dg.Failure) or error.allow_retries for error in failed.values()),
    )


def _said(error: Exception) -> str:
    return str(error.description) if isinstance(error, dg.Failure) else f"{type(error).__name__}: {error}"


def _remedy(error: Exception) -> str | dg.MetadataValue:
    return error.metadata.get("remedy", "") if isinstance(error, dg.Failure) else "See the log of the run."


def _event(context: dg.AssetExecutionContext, partition: str, made: dg.MaterializeResult) -> dg.AssetMaterialization:
    """As Dagster would tell it after a run of this partition alone."""
    key, assets = context.asset_key, context.assets_def
    version, code_version = made.data_version, assets.code_versions_by_key[key]
    return dg.AssetMaterialization(
        key,
        partition=partition,
        metadata=made.metadata,
        tags={
            **(version_tags(version.value) if version else {}),
            **({CODE_VERSION_TAG: code_version} if code_version else {}),
            **input_tags(context.instance, assets.asset_deps[key], partition),
        },
    )
