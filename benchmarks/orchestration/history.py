"""A code location with a long past: as many partitions as shards, and all that the UI has to show of them.

``write_history`` fills the Dagster home in force: ROUNDS materialisations of each of the 2,000 partitions, each with
the metadata of a real one (counts, tables, a picture), and each data asset of the real code location 10 times for each
of its partitions.
"""

from __future__ import annotations

import base64
import os

import dagster as dg

from ocr_pipeline.datasets import PARTITIONS

SHARDS = dg.StaticPartitionsDefinition([f"shard_{number:04d}" for number in range(2000)])
ROUNDS = 1
_ROUNDS_OF_REAL_ASSETS = 10
_PICTURE = base64.b64encode(os.urandom(4_000)).decode()


@dg.asset(partitions_def=SHARDS, group_name="shards", kinds={"json"}, code_version="1")
def shards() -> None:
    """Two thousand partitions."""


@dg.asset(partitions_def=SHARDS, deps=[shards], group_name="shards", kinds={"lmdb"}, code_version="1")
def crops_of_shards() -> None:
    """Two thousand partitions that follow them."""


defs = dg.Definitions(assets=[shards, crops_of_shards])


def write_history(instance: dg.DagsterInstance) -> int:
    """Returns how many materialisations were written."""
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
    for asset, key, number in events:
        instance.report_runless_asset_event(_materialisation(asset, key, number))
    return len(events)


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
