"""Launching a backfill: through the queue of a running daemon, or here and now where none runs."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from ocr_pipeline.orchestration.dagster_private import (
    AssetGraph,
    AssetGraphSubset,
    AssetKeyPartitionKey,
    PartitionBackfill,
    make_new_backfill_id,
)
from ocr_pipeline.orchestration.execution.workers import give_to_location, runs_here
from ocr_pipeline.orchestration.resources import stage_of
from ocr_pipeline.storage.artifacts.stages import STAGES

Wanted = Mapping[str, Sequence[str]]
"""Partition -> names of the assets to materialise for it."""

DAEMON = "BACKFILL"
ALIVE_SECONDS = 120.0


def open_instance(folder: Path) -> dg.DagsterInstance | None:
    """The Dagster home in force (DAGSTER_HOME, else ``.dagster_home`` below ``folder``); None if there is none."""
    home = Path(os.environ.get("DAGSTER_HOME") or folder / ".dagster_home").absolute()
    return dg.DagsterInstance.from_config(str(home)) if (home / "dagster.yaml").exists() else None


def has_daemon(instance: dg.DagsterInstance) -> bool:
    """Whether a daemon that launches backfills has given a sign of life within the last two minutes."""
    heartbeat = instance.get_daemon_heartbeats().get(DAEMON)
    return heartbeat is not None and time.time() - heartbeat.timestamp < ALIVE_SECONDS


def submit(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    wanted: Wanted,
    *,
    accept_loss: bool = False,
    why: str = "ocr-pipeline backfill",
) -> str:
    """Ask the daemon for a backfill, as the UI's button does; returns its id."""
    graph = definitions.resolve_asset_graph()
    keys = _keys(graph)
    pairs = {AssetKeyPartitionKey(keys[name], partition) for partition, names in wanted.items() for name in names}
    backfill = PartitionBackfill.from_asset_graph_subset(
        backfill_id=make_new_backfill_id(),
        backfill_timestamp=time.time(),
        tags={"ocr_pipeline/why": why},
        dynamic_partitions_store=instance,
        asset_graph_subset=AssetGraphSubset.from_asset_partition_set(pairs, graph),
        title=why,
        description=", ".join(wanted),
        run_config=_config({name for names in wanted.values() for name in names}, accept_loss) or None,
    )
    instance.add_backfill(backfill)
    return backfill.backfill_id


def run_here(
    instance: dg.DagsterInstance | None, definitions: dg.Definitions, wanted: Wanted, *, accept_loss: bool = False
) -> Iterator[tuple[str, bool]]:
    """Run one partition after the other in this process; yields each and whether it succeeded."""
    job, keys = definitions.resolve_job_def("data"), _keys(definitions.resolve_asset_graph())
    for partition, names in wanted.items():
        result = job.execute_in_process(
            partition_key=partition,
            asset_selection=[keys[name] for name in names],
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}, **_config(names, accept_loss)},
            tags={"ocr_pipeline/why": "ocr-pipeline backfill", **runs_here()},
            raise_on_error=False,
        )
        if instance:
            give_to_location(instance, result.run_id)
        yield partition, result.success


def _keys(graph: AssetGraph) -> dict[str, dg.AssetKey]:
    """Those of the stages, by their names."""
    return {stage_of(key): key for key in graph.get_all_asset_keys() if stage_of(key) in STAGES}


def _config(assets: Collection[str], accept_loss: bool) -> dict[str, Any]:
    """What a run is told where a loss is accepted."""
    may_lose = [name for name in assets if STAGES[name].sets_aside]
    return {"ops": {name: {"config": {"accept_loss": True}} for name in may_lose}} if accept_loss else {}
