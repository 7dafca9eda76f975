"""The pages of the learning benchmark: ``python -m benchmarks.fast.synthetic_pages FOLDER``.

``FOLDER/learn/data`` gets the layout LMDBs to train and validate on, ``FOLDER/held_out/data`` those of another seed,
which no training sees. The sets whose pages are labelled whole: scenes, office letters and registers, public forms.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

LEARN = {
    "text_in_wild": 480,
    "public_admin_train": 150,
    "public_admin_valid": 8,
    "ocr_public_train": 150,
    "ocr_public_valid": 8,
}
HELD_OUT = {"text_in_wild": 60, "public_admin_valid": 12, "ocr_public_valid": 12}


def write_pages(folder: Path, pages: Mapping[str, int], seed: int) -> None:
    """Pages of 512 x 704 (scenes 512 x 384) as they lie on the share, through the stages up to the layout LMDBs."""
    share, workspace = Share(str(folder / "share")), Workspace(folder / "data")
    write_collection(folder / "share", pages=pages, seed=seed)
    for key in pages:
        merge_labels(share, PARTITIONS[key], workspace, workers=1)
        build_lookup(share, PARTITIONS[key], workspace)
        build_layouts(share, PARTITIONS[key], workspace, LayoutSettings(), crew=Processes(1))


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]) / "learn", LEARN, seed=0)
    write_pages(Path(sys.argv[1]) / "held_out", HELD_OUT, seed=1)
