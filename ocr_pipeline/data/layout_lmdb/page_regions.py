"""The regions of single pages, for whoever reads them: a layout model that looks at one picture at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.layout_lmdb.assignment import assign_words
from ocr_pipeline.data.layout_lmdb.engines.detections import model_input
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import open_engine
from ocr_pipeline.data.layout_lmdb.format.geometry import Box, box_of
from ocr_pipeline.data.layout_lmdb.format.record import TABLE
from ocr_pipeline.data.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.devices.names import gpu_name
from ocr_pipeline.page import Quad


class PageRegion(NamedTuple):
    """A region of a page, in pixels, and whether it is a table."""

    box: Box
    is_table: bool = False


def regions_of_words(quads: Sequence[Quad], regions: Sequence[PageRegion]) -> list[int]:
    """For each word the position of the region that holds most of it; -1 where none holds half."""
    words = np.array([box_of(quad) for quad in quads], np.float64).reshape(-1, 4)
    return assign_words(words, np.array([region.box for region in regions], np.float64).reshape(-1, 4)).tolist()


class PageLayout:
    """A layout model that is asked for one page after the other.

    Raises:
        PipelineError: the weights are not to be had, or the device is not there.
    """

    def __init__(self, settings: LayoutSettings, engine: LayoutEngine | None = None) -> None:
        self.settings, self.engine = settings, engine or open_engine(settings)

    @classmethod
    def named(cls, model: str, device: str) -> PageLayout:
        """The model of that name, folder or repository, on one device (``auto``, ``cpu``, ``cuda``, ``cuda:1``)."""
        chosen = gpu_name("gpu" if device == "auto" and find_machine().gpus else device)
        one = {"auto": "cpu", "gpu": "gpu:0"}.get(chosen, chosen)
        return cls(LayoutSettings(model=model, device=one))

    @property
    def fingerprint(self) -> str:
        """Of all that its regions depend on."""
        return f"{self.engine.fingerprint} {self.settings.threshold} {self.settings.table_threshold}"

    def regions(self, picture: np.ndarray) -> list[PageRegion]:
        """The regions of a picture, uint8 [height, width, 3] RGB, in reading order."""
        height, width = picture.shape[:2]
        squeezed = model_input(np.ascontiguousarray(picture[..., ::-1]), self.engine.input_size)
        (found,) = self.engine.infer(squeezed[None], [(width, height)])
        labels = [self.engine.labels[label] for label in found.labels.tolist()]
        return [
            PageRegion((box[0], box[1], box[2], box[3]), label == TABLE)
            for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), labels, strict=True)
            if score > self.settings.threshold_of(label)
        ]
