"""One partition per data set and split, as AI-Hub delivers them."""

import dagster as dg

from ocr_pipeline.datasets import PARTITIONS

SOURCE_PARTITIONS = dg.StaticPartitionsDefinition(list(PARTITIONS))

# A checkpoint is made from the partitions of its recipe; which ones is decided at run time and recorded.
FROM_ALL_PARTITIONS = dg.AllPartitionMapping()
