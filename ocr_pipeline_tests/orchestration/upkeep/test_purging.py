"""Old runs go; those that tell of what is published stay."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from ocr_pipeline.orchestration.upkeep.purging import purge
from ocr_pipeline.orchestration.versions import latest_told

DEFINITIONS = dg.StaticPartitionsDefinition(["a", "b"])


@dg.asset(partitions_def=DEFINITIONS, code_version="1")
def parted(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    shown = {"sample": dg.MetadataValue.md("![](data:image/x)")} if context.run.tags.get("draws") else {}
    return dg.MaterializeResult(data_version=dg.DataVersion(f"v-{context.partition_key}"), metadata=shown)


@dg.asset(deps=[dg.AssetDep(parted, partition_mapping=dg.AllPartitionMapping())], code_version="1")
def whole() -> dg.MaterializeResult:
    return dg.MaterializeResult(data_version=dg.DataVersion("v1"))


def made(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None, **tags: str) -> str:
    result = dg.materialize([parted, whole], selection=[asset], instance=instance, partition_key=partition, tags=tags)
    return result.run_id


@pytest.mark.slow
def test_runs_go_and_what_is_published_stays_known(instance: dg.DagsterInstance) -> None:
    superseded = made(instance, parted, "a")
    drawn, learned_from = made(instance, parted, "a", draws="1"), made(instance, parted, "b")
    trained = made(instance, whole)
    between = made(instance, parted, "b")
    last = made(instance, parted, "a"), made(instance, parted, "b")
    assert purge(instance, keep_days=1) == 0
    assert purge(instance, keep_days=0) == 2
    left = {run.run_id for run in instance.get_runs()}
    assert left == {drawn, learned_from, trained, *last}
    files = [path.name for path in Path(instance.root_directory).rglob("*")]
    assert not [name for name in files if superseded in name or between in name]
    assert latest_told(instance, dg.AssetKey("whole"), None) and latest_told(instance, dg.AssetKey("parted"), "a")
    stale = CachingStaleStatusResolver(
        instance, dg.Definitions([parted, whole]).resolve_asset_graph(), LoadingContextForTest(instance)
    )
    assert stale.get_status(whole.key) is StaleStatus.FRESH
    assert purge(instance, keep_days=0) == 0
