"""One partition per data set and split, as AI-Hub delivers them."""

from collections.abc import Sequence

import dagster as dg

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.release.recipe import chosen_partitions

SOURCE_PARTITIONS = dg.StaticPartitionsDefinition(list(PARTITIONS))


def from_chosen(keys: Sequence[str], *, fully_labelled: bool) -> dg.PartitionMapping:
    """Lineage from the partitions of the recipe file, so that what it leaves out makes no checkpoint stale.

    What a run's own config chooses instead stands in the manifest of its checkpoint.
    """
    chosen = chosen_partitions(keys, fully_labelled=fully_labelled)
    return dg.SpecificPartitionsPartitionMapping([partition.key for partition in chosen])
