"""The AI-Hub sets this project reads. A further one is one module with a DATASET, and its name here, at the end."""

from importlib import import_module

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount, LabelError, Parsed, SourcePartition, find_roots
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source.share import Share

_MODULES = (
    "text_in_wild",
    "public_admin",
    "ocr_public",
    "finance_logistics",
    "handwriting",
)

_SHOWN = 20  # folders in an error message

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
    "demand_a_set",
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


def demand_a_set(share: Share) -> None:
    """Refuse a source without a folder of any set: that nothing was found does not say that nothing is there.

    Raises:
        PipelineError: it names the folders that were seen.
    """
    if any(find_roots(share, dataset.folder) for dataset in DATASETS):
        return
    seen = ", ".join(name for name, _ in share.folders()[:_SHOWN]) or "no folders at all"
    raise PipelineError(
        "none of the data sets is at the source",
        where=f"{share.place} (there are: {seen})",
        remedy="Set OCR_PIPELINE_SOURCE to the folder that holds the sets' own folders, one or two levels below: "
        f"{', '.join(dataset.title for dataset in DATASETS)}.",
    )
