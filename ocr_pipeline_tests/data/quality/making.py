"""What the tests of this stage share."""

from __future__ import annotations

import zlib
from pathlib import Path

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.quality import Quality, QualitySettings, measure_quality, read_quality
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import ADMIN, Content, admin_label, picture

TRAIN, VALID = source_partition("public_admin_train"), source_partition("public_admin_valid")
_PLACES = {
    "train": (
        f"{ADMIN}/Training/[라벨]train/01.라벨링데이터(Json)",
        f"{ADMIN}/Training/[원천]train1/02.원천데이터(jpg)",
    ),
    "valid": (
        f"{ADMIN}/Validation/[라벨]validation/01.라벨링데이터(Json)",
        f"{ADMIN}/Validation/[원천]validation/02.원천데이터(Jpg)",
    ),
}


def admin_page(split: str, stem: str, *texts: str, image: bytes | None = None) -> dict[str, Content]:
    """A page of public_admin with 16x10 boxes side by side; its picture depends on its name unless given."""
    labels, pictures = _PLACES[split]
    seed = zlib.crc32(f"{split}{stem}".encode())
    name = f"{stem}.jpg"
    return {
        f"{labels}/{stem}.json": admin_label(name, *(texts or ("가나",))),
        f"{pictures}/{name}": picture(".jpg", seed=seed) if image is None else image,
    }


def publish(share: Share | Path, workspace: Workspace, *partitions: SourcePartition, crops: bool = False) -> Share:
    share = share if isinstance(share, Share) else Share(share)
    for partition in partitions:
        merge_labels(share, partition, workspace, workers=1)
        build_lookup(share, partition, workspace)
        if crops:
            build_annotations(share, partition, workspace, AnnotationSettings("lmdb"), crew=Processes(1))
    return share


def measure(
    share: Share, workspace: Workspace, partition: SourcePartition = TRAIN, seconds: float | None = None
) -> Quality:
    measure_quality(share, partition, workspace, QualitySettings(seconds))
    return read_quality(workspace.quality(partition.key))
