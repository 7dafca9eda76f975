"""All that this project takes from the inside of Dagster, in one place: whether a new release still has it shows here.

Nothing of it is promised to stay; no other module imports ``dagster._core``, which the linter sees to.
"""

from dagster._check import CheckError
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.definitions.repository_definition.valid_definitions import SINGLETON_REPOSITORY_NAME
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.executor.base import Executor
from dagster._core.executor.init import InitExecutorContext
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, PARENT_RUN_ID_TAG, WILL_RETRY_TAG
from dagster._core.utils import make_new_backfill_id

SILENT_OUTPUT = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Metadata of an output by which Dagster tells no event of it: who made it has told its own."""

__all__ = [
    "AUTO_RETRY_RUN_ID_TAG",
    "PARENT_RUN_ID_TAG",
    "SILENT_OUTPUT",
    "SINGLETON_REPOSITORY_NAME",
    "WILL_RETRY_TAG",
    "AssetCheckEvaluationTargetMaterializationData",
    "AssetGraph",
    "AssetGraphSubset",
    "AssetKeyPartitionKey",
    "CheckError",
    "CheckStepHealthResult",
    "DagsterEvent",
    "DagsterExecutionInterruptedError",
    "DefaultRunLauncher",
    "EngineEventData",
    "Executor",
    "InitExecutorContext",
    "PartitionBackfill",
    "RegisteredCodeLocationOrigin",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "RetryMode",
    "StepDelegatingExecutor",
    "StepHandler",
    "StepHandlerContext",
    "UnresolvedAssetJobDefinition",
    "get_retries_config",
    "make_new_backfill_id",
    "multiple_process_executor_requirements",
]
