"""The AI-Hub sets this project reads. A further one is one module with a DATASET and one line here."""

from ocr_pipeline.data.datasets import finance_logistics, handwriting, ocr_public, public_admin, text_in_wild
from ocr_pipeline.data.datasets.dataset import Dataset, LabelError, Parsed, SourcePartition
from ocr_pipeline.errors import PipelineError

DATASETS: tuple[Dataset, ...] = (
    text_in_wild.DATASET,
    public_admin.DATASET,
    ocr_public.DATASET,
    finance_logistics.DATASET,
    handwriting.DATASET,
)

PARTITIONS: dict[str, SourcePartition] = {
    partition.key: partition for dataset in DATASETS for partition in dataset.partitions
}

__all__ = ["DATASETS", "PARTITIONS", "Dataset", "LabelError", "Parsed", "SourcePartition", "source_partition"]


def source_partition(key: str) -> SourcePartition:
    """The partition of that key.

    Raises:
        PipelineError: there is none.
    """
    if key not in PARTITIONS:
        raise PipelineError("no such partition", where=key, remedy=f"Choose one of: {', '.join(PARTITIONS)}.")
    return PARTITIONS[key]
