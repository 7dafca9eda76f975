"""The sets this project reads. A further one of AI-Hub is one module with a DATASET, and its name here, at the end."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount, LabelError, Parsed, SourcePartition, find_roots
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import OWN_FOLDERS
from ocr_pipeline.storage.source.share import Share

_MODULES = (
    "text_in_wild",
    "public_admin",
    "ocr_public",
    "finance_logistics",
    "handwriting",
)

_SYNTHETIC_MODULES = ("synthetic",)
_SHOWN = 20  # folders in an error message


def _datasets(modules: Iterable[str]) -> tuple[Dataset, ...]:
    return tuple(import_module(f"{__name__}.{name}").DATASET for name in modules)


def _partitions(datasets: Iterable[Dataset]) -> dict[str, SourcePartition]:
    return {partition.key: partition for dataset in datasets for partition in dataset.partitions}


DATASETS = _datasets(_MODULES)
"""Those that lie on the share."""

PARTITIONS = _partitions(DATASETS)
"""Of these: what is meant where none is named."""

SYNTHETIC_PARTITIONS = _partitions(_datasets(_SYNTHETIC_MODULES))
"""Of the sets that are drawn: taken where they are named."""

EVERY_PARTITION = PARTITIONS | SYNTHETIC_PARTITIONS

__all__ = [
    "DATASETS",
    "EVERY_PARTITION",
    "PARTITIONS",
    "SYNTHETIC_PARTITIONS",
    "Dataset",
    "KnownCount",
    "LabelError",
    "Parsed",
    "SourcePartition",
    "demand_a_set",
    "demand_apart",
    "source_partition",
]


def source_partition(key: str) -> SourcePartition:
    """The partition of that key.

    Raises:
        PipelineError: there is none.
    """
    if key not in EVERY_PARTITION:
        raise PipelineError("no such partition", where=key, remedy=f"Choose one of: {', '.join(EVERY_PARTITION)}.")
    return EVERY_PARTITION[key]


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


def demand_apart(share: Share, output: Path) -> None:
    """Refuse an output folder within a set's folder, where what is made would be read as labels and pictures.

    The same for a set within a folder that the stages fill and clear; beside these it may lie in the output folder.

    Raises:
        PipelineError: it names both.
    """
    roots = (root for dataset in DATASETS for root in find_roots(share, dataset.folder)) if share.is_local else ()
    output = output.resolve()
    for folder in (Path(share.root, root).resolve() for root in roots):
        if output.is_relative_to(folder) or any(folder.is_relative_to(output / own) for own in OWN_FOLDERS):
            raise PipelineError(
                f"the output folder and a data set ({folder}) lie within each other",
                where=output,
                remedy="Set OCR_PIPELINE_OUTPUT (--output) to a folder beside the data sets.",
            )
