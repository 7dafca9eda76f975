"""One partition per data set and split, as AI-Hub delivers them, and those that are drawn."""

from collections.abc import Mapping, Sequence

import dagster as dg

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.release.recipe import chosen_partitions

SOURCE_PARTITIONS = dg.StaticPartitionsDefinition(list(EVERY_PARTITION))


def partitions_of(tags: Mapping[str, str]) -> list[str]:
    """The partitions that a run with these tags is about: one, or all from one to another."""
    if only := tags.get("dagster/partition"):
        return [only]
    first, last = (tags.get(f"dagster/asset_partition_range_{which}") for which in ("start", "end"))
    keys = list(EVERY_PARTITION)
    return keys[keys.index(first) : keys.index(last) + 1] if first and last else []


def from_chosen(keys: Sequence[str], *, fully_labelled: bool) -> dg.PartitionMapping:
    """Lineage from the partitions of the recipe file, so that what it leaves out makes no checkpoint stale.

    What a run's own config chooses instead stands in the manifest of its checkpoint.
    """
    chosen = chosen_partitions(keys, fully_labelled=fully_labelled)
    return dg.SpecificPartitionsPartitionMapping([partition.key for partition in chosen])
