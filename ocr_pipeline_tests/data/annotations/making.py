"""What the tests of this stage share."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import lmdb
import numpy as np

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

TRAIN = source_partition("handwriting_train")
FORMATS = ("jsonl", "lmdb")


def build(share: Share, workspace: Workspace, form: str, partition=TRAIN, **options) -> list[Manifest]:
    limit = Renewal(accept_loss=options.pop("accept_loss", False))
    workers = options.pop("workers", 1)
    merge_labels(share, partition, workspace, renewal=limit)
    build_lookup(share, partition, workspace, renewal=limit)
    settings = AnnotationSettings(form, **options)
    return build_annotations(share, partition, workspace, settings, crew=Processes(workers), renewal=limit)


def quad(left, top, right, bottom):
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def read_lmdb(folder: Path) -> dict[str, bytes]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return {key.decode(): value for key, value in transaction.cursor()}


def texts_of(workspace: Workspace, form: str) -> list[str]:
    path = workspace.annotations("handwriting", "train", form)
    if form == "lmdb":
        return [value.decode() for key, value in read_lmdb(path).items() if key.startswith("label")]
    return [json.loads(line)["text_info"][1]["text"] for line in path.read_text().splitlines()]


def expected_crops(share: Share, workspace: Workspace, partition=TRAIN) -> list[tuple[str, bytes]]:
    """Text and crop of every word, straight from page and picture."""
    lookup, found = load_lookup(workspace, partition), []
    for page in read_pages(workspace.merged_json(partition.key), partition):
        data = share.read(share.below_root(lookup.find(page)))
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        for word in page.words:
            left, top, right, bottom = map(int, (*word.quad[0], *word.quad[2]))
            cut = pixels[top:bottom, left:right]
            found.append((word.text, cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()))
    return found
