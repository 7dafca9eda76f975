"""Small pages and pictures, an engine that answers from a list, and a random PP-DocLayoutV2."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb import (
    Detections,
    Engines,
    LayoutBuild,
    LayoutRecord,
    LayoutSettings,
    LayoutWord,
    PageWork,
)
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Page, Quad, Quarantined, Word
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

LABELS = ("text", "table", "image", "vertical_text")


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Quad:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def picture(width: int = 120, height: int = 80, seed: int = 0, extension: str = ".jpg") -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return cv2.imencode(extension, cv2.resize(coarse, (width, height)))[1].tobytes()


def page(number: int, quads: Iterable[Quad] = (rectangle(10, 10, 40, 20),), *, width: int = 120) -> Page:
    words = tuple(Word(position, f"낱말{position}", quad) for position, quad in enumerate(quads))
    return Page("handwriting", "train", f"{number}.jpg", width, 80, f"labels/{number}.json", words)


def record(words: tuple[LayoutWord, ...] = (), **more) -> LayoutRecord:
    return LayoutRecord("handwriting", "train", "가.jpg", "labels/가.json", 120, 80, words, **more)


class Pictures(Protocol):
    """A share of pictures; ``state`` tells one that changed."""

    def find(self, wanted: Page) -> str | Quarantined: ...
    def state(self, path: str) -> bytes: ...
    def read(self, path: str) -> bytes: ...


class Share:
    """Pictures by name; a page whose picture was never put there is missing."""

    def __init__(self, pictures: dict[str, bytes]) -> None:
        self.pictures = pictures
        self.reads = 0

    def find(self, wanted: Page) -> str | Quarantined:
        if wanted.image in self.pictures:
            return wanted.image
        return Quarantined("page", "image_missing", wanted.dataset, wanted.split, wanted.label, wanted.image)

    def state(self, path: str) -> bytes:
        return self.pictures[path]

    def read(self, path: str) -> bytes:
        self.reads += 1
        return self.pictures[path]


def publish(target: Path, pages: Iterable[Page], share: Pictures, engines: Engines, settings: LayoutSettings, **more):
    """The layout LMDB of some pages; ``inputs`` are for `LayoutBuild.publish`, ``workers`` its crew."""
    inputs, crew = more.pop("inputs", []), Processes(more.pop("workers", 1))
    build = LayoutBuild(Workspace(target.parent), PageWork(share.read, engines, settings), crew, **more)
    tasks = (_task(page, share, build.made_by) for page in pages)
    return build.publish(target, "handwriting_train", inputs, tasks)


def _task(page: Page, share: Pictures, made_by: str) -> PageTask:
    found = share.find(page)
    state = msgspec.json.encode(found) if isinstance(found, Quarantined) else share.state(found)
    return PageTask(page, found, fingerprint_of([made_by, msgspec.json.encode(page), state]))


class Oracle:
    """An engine that finds the same hand-made regions on every page."""

    backend, name, labels, input_size = "oracle", "by hand", LABELS, (8, 8)

    def __init__(self, *regions: tuple[str, float, tuple[float, float, float, float]], fingerprint: str = "1") -> None:
        self.fingerprint = fingerprint
        self._regions = regions

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        assert pixels.shape == (len(sizes), 8, 8, 3) and pixels.dtype == np.uint8
        labels = np.array([LABELS.index(label) for label, _, _ in self._regions], np.int64)
        scores = np.array([score for _, score, _ in self._regions], np.float32)
        boxes = np.array([box for _, _, box in self._regions], np.float32).reshape(-1, 4)
        return [Detections(boxes, scores, labels) for _ in sizes]

    def close(self) -> None:
        pass


class Pretended(Oracle):
    """Finds more on bright pages than on dark ones; ``slow`` dawdles, so that batches come back in another order."""

    def __init__(self, notes: Path, device: str) -> None:
        super().__init__(("text", 0.9, (5, 5, 70, 45)), ("table", 0.8, (5, 50, 70, 75)))
        self.notes, self.device = notes, device
        if device == "absent":
            raise PipelineError("this GPU is not there", where=device, remedy="Plug it in.")

    def infer(self, pixels, sizes):
        (self.notes / f"{self.device} {os.getpid()}").touch()
        if self.device == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1 if self.device == "slow" else 0)
        bright = pixels.reshape(len(pixels), -1).mean(axis=1) > 127
        both = super().infer(pixels, sizes)
        counts = zip(both, (1 + bright).tolist(), strict=True)
        return [Detections(found.boxes[:n], found.scores[:n], found.labels[:n]) for found, n in counts]


class Malicious:
    """Pickles to a call that makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def random_model(folder: Path, seed: int = 0, kind: str = "v2") -> Path:
    """PP-DocLayoutV2, V3 or RT-DETR (``cells``) with all parts, few channels and random weights."""
    import torch
    import transformers

    torch.manual_seed(seed)
    labels = ("cell",) if kind == "cells" else LABELS
    shared = {
        "encoder_in_channels": [16, 16, 16],
        "encoder_hidden_dim": 16,
        "encoder_ffn_dim": 32,
        "encoder_attention_heads": 2,
        "d_model": 16,
        "num_queries": 20,
        "decoder_in_channels": [16, 16, 16],
        "decoder_ffn_dim": 32,
        "decoder_layers": 1,
        "decoder_attention_heads": 2,
        "decoder_n_points": 2,
        "initializer_bias_prior_prob": 0.5,
        "id2label": dict(enumerate(labels)),
        "label2id": {label: position for position, label in enumerate(labels)},
    }
    if kind == "v2":
        config = transformers.PPDocLayoutV2Config(
            backbone_config=_backbone(["stage2", "stage3", "stage4"]),
            reading_order_config=READING_ORDER,
            class_thresholds=[0.4] * len(LABELS),
            class_order=list(range(len(LABELS))),
            **shared,
        )
        model = transformers.PPDocLayoutV2ForObjectDetection(config)
    elif kind == "v3":
        config = transformers.PPDocLayoutV3Config(
            backbone_config=_backbone(["stage1", "stage2", "stage3", "stage4"]),
            mask_feature_channels=[8, 8],
            x4_feat_dim=8,
            num_prototypes=4,
            global_pointer_head_size=8,
            **shared,
        )
        model = transformers.PPDocLayoutV3ForObjectDetection(config)
    else:
        config = transformers.RTDetrConfig(
            backbone_config=_backbone(["stage2", "stage3", "stage4"]), use_timm_backbone=False, **shared
        )
        model = transformers.RTDetrForObjectDetection(config)
    for weight in model.parameters():  # as initialised, the signal of a picture dies on its way through the layers
        if weight.dim() > 1:
            torch.nn.init.xavier_normal_(weight, gain=1.5)
    model.save_pretrained(folder)
    return folder


READING_ORDER = {
    "hidden_size": 24,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "coordinate_size": 4,
    "shape_size": 4,
    "num_classes": len(LABELS),
    "global_pointer_head_size": 8,
    "max_position_embeddings": 64,
}


def _backbone(stages: list[str]):
    from transformers import HGNetV2Config

    return HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 16, 16],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 16, 16, 16],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
        stage_kernel_size=[3, 3, 3, 3],
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 16],
        embedding_size=8,
        out_features=stages,
    )
