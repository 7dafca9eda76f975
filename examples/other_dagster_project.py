"""Our assets in a Dagster project of your own: dagster dev -f examples/other_dagster_project.py

An asset of yours takes what ours published; source and output stand here, not in the environment.
"""

import os
from pathlib import Path

import dagster as dg

from ocr_pipeline import CropReader, Workspace
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.resources import Locations

SOURCE = os.environ.get("OCR_PIPELINE_SOURCE", "/mnt/share/ocr_dataset")
OUTPUT = os.environ.get("OCR_PIPELINE_OUTPUT", str(Path.home() / "ocr"))


@dg.asset(deps=["annotations"], description="How often each character stands in the crops that there are.")
def character_counts() -> dg.MaterializeResult:
    counts: dict[str, int] = {}
    for path in sorted(Workspace.at(OUTPUT).root.glob("*_annotations_train.lmdb")):
        crops = CropReader(path)
        for character in "".join(crops.text(index) for index in range(len(crops))):
            counts[character] = counts.get(character, 0) + 1
    return dg.MaterializeResult(metadata={"characters": len(counts), "letters": sum(counts.values())})


defs = dg.Definitions.merge(
    build_definitions(Locations(source=SOURCE, output=OUTPUT)),
    dg.Definitions(assets=[character_counts]),
)
