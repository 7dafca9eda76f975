"""A code location with a long past: as many partitions as shards, and all that the UI has to show of them.

``write_history`` fills the Dagster home in force: ROUNDS materialisations of each of the 2,000 partitions, each with
the metadata of a real one (counts, tables, a picture), and each data asset of the real code location 10 times for each
of its partitions.
"""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy.engine import Connection

from ocr_pipeline.data.datasets import PARTITIONS

SHARDS = dg.StaticPartitionsDefinition([f"shard_{number:04d}" for number in range(2000)])
ROUNDS = 2
_ROUNDS_OF_REAL_ASSETS = 10
_APART = 60.0  # seconds between two materialisations
_PICTURE = base64.b64encode(os.urandom(4_000)).decode()


@dg.asset(partitions_def=SHARDS, group_name="shards", kinds={"json"}, code_version="1")
def shards() -> None:
    """Two thousand partitions."""


@dg.asset(partitions_def=SHARDS, deps=[shards], group_name="shards", kinds={"lmdb"}, code_version="1")
def crops_of_shards() -> None:
    """Two thousand partitions that follow them."""


defs = dg.Definitions(assets=[shards, crops_of_shards])


def write_history(home: Path) -> int:
    """Returns how many materialisations were written; the databases of ``home`` must be there."""
    events = [
        (asset, key, number)
        for number in range(ROUNDS)
        for asset in ("shards", "crops_of_shards")
        for key in SHARDS.get_partition_keys()
    ]
    events += [
        (asset, key, number)
        for number in range(_ROUNDS_OF_REAL_ASSETS)
        for asset in ("merged_json", "lookup", "annotations", "layout_lmdb")
        for key in PARTITIONS
    ]
    began = time.time() - len(events) * _APART
    storage = _InOneTransaction(str(home / "history/runs"))
    with storage.transaction():
        for count, event in enumerate(events):
            storage.store_event(_entry(_materialisation(*event), began + count * _APART))
    return len(events)


class _InOneTransaction(SqliteEventLogStorage):
    """Dagster's own storage, which else opens two databases and commits to both for each event."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        index, run = (SqliteEventLogStorage(self._base_dir) for _ in range(2))  # each locks itself while connected
        with index.index_connection() as self._index, run.run_connection(RUNLESS_RUN_ID) as self._run:
            yield

    def index_connection(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._index)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        return nullcontext(self._run)


def _entry(materialisation: dg.AssetMaterialization, timestamp: float) -> dg.EventLogEntry:
    event = DagsterEvent(
        "ASSET_MATERIALIZATION", RUNLESS_JOB_NAME, event_specific_data=StepMaterializationData(materialisation)
    )
    return dg.EventLogEntry(
        error_info=None,
        level=logging.INFO,
        user_message="",
        run_id=RUNLESS_RUN_ID,
        timestamp=timestamp,
        dagster_event=event,
    )


def _materialisation(asset: str, key: str, number: int) -> dg.AssetMaterialization:
    reasons = [dg.TableRecord({"unit": "word", "reason": "word_outside", "count": number})]
    return dg.AssetMaterialization(
        asset,
        partition=key,
        metadata={
            "pages_in": 1000 + number,
            "pages_out": 990 + number,
            "words_in": 50_000 + number,
            "words_out": 49_000 + number,
            "dagster/row_count": 49_000 + number,
            "quarantine_reasons": dg.MetadataValue.table(reasons),
            "sample_page": dg.MetadataValue.md(f"![picture](data:image/jpeg;base64,{_PICTURE})"),
            "path": dg.MetadataValue.path(f"/data/ocr/{asset}_{key}"),
        },
        tags={"dagster/data_version": f"{key}-{number}"},
    )
