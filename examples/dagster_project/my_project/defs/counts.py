"""An asset of yours that takes what ours published, with its lineage."""

import os

import dagster as dg

from ocr_pipeline import CropReader, Workspace


@dg.asset(deps=[["ocr", "annotations"]])
def character_counts() -> dg.MaterializeResult:
    """How often each character stands in the crops that there are."""
    counts: dict[str, int] = {}
    for path in sorted(Workspace.at(os.environ["OCR_PIPELINE_OUTPUT"]).root.glob("*_annotations_train.lmdb")):
        crops = CropReader(path)
        for character in "".join(crops.text(index) for index in range(len(crops))):
            counts[character] = counts.get(character, 0) + 1
    return dg.MaterializeResult(metadata={"characters": len(counts), "letters": sum(counts.values())})
