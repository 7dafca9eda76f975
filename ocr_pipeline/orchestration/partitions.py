"""One partition per data set and split, as AI-Hub delivers them."""

from collections.abc import Sequence

import dagster as dg

from ocr_pipeline.datasets import PARTITIONS, SourcePartition, source_partition

SOURCE_PARTITIONS = dg.StaticPartitionsDefinition(list(PARTITIONS))


def chosen_partitions(keys: Sequence[str], *, fully_labelled: bool) -> list[SourcePartition]:
    """The partitions a training is made from: those named, else all that make sense.

    Args:
        fully_labelled: leave out the sets whose pages carry unlabelled printed text, which a detector would learn to
            overlook; what is named is taken in any case.

    Raises:
        PipelineError: there is no partition of such a name.
    """
    return [source_partition(key) for key in keys] or [
        partition for partition in PARTITIONS.values() if not (fully_labelled and partition.dataset.partly_labelled)
    ]


def from_chosen(keys: Sequence[str], *, fully_labelled: bool) -> dg.PartitionMapping:
    """Lineage from the partitions of the recipe file, so that what it leaves out makes no checkpoint stale.

    What a run's own config chooses instead stands in the manifest of its checkpoint.
    """
    chosen = chosen_partitions(keys, fully_labelled=fully_labelled)
    return dg.SpecificPartitionsPartitionMapping([partition.key for partition in chosen])
