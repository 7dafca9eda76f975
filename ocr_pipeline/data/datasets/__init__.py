"""The AI-Hub sets this project reads. A further one is one module with a DATASET, and its name here, at the end."""

from importlib import import_module

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount, LabelError, Parsed, SourcePartition
from ocr_pipeline.errors import PipelineError

_MODULES = (
    "text_in_wild",
    "public_admin",
    "ocr_public",
    "finance_logistics",
    "handwriting",
)

DATASETS: tuple[Dataset, ...] = tuple(import_module(f"{__name__}.{name}").DATASET for name in _MODULES)

PARTITIONS: dict[str, SourcePartition] = {
    partition.key: partition for dataset in DATASETS for partition in dataset.partitions
}

__all__ = [
    "DATASETS",
    "PARTITIONS",
    "Dataset",
    "KnownCount",
    "LabelError",
    "Parsed",
    "SourcePartition",
    "source_partition",
]


def source_partition(key: str) -> SourcePartition:
    """The partition of that key.

    Raises:
        PipelineError: there is none.
    """
    if key not in PARTITIONS:
        raise PipelineError("no such partition", where=key, remedy=f"Choose one of: {', '.join(PARTITIONS)}.")
    return PARTITIONS[key]
