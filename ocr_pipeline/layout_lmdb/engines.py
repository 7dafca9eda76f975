"""What a layout engine is, and the one that looks at nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from ocr_pipeline.layout_lmdb.detections import Detections
from ocr_pipeline.layout_lmdb.engine_pool import EnginePool, EngineProcess
from ocr_pipeline.layout_lmdb.settings import NO_MODEL, LayoutSettings


class LayoutEngine(Protocol):
    """A layout model, ready to look at pages.

    Attributes:
        backend: what runs the model (``transformers``).
        name: of the model, for people (``PP-DocLayoutV2``).
        fingerprint: of weights and configuration.
        labels: label of each class.
        input_size: (width, height) that every page is squeezed to.
    """

    @property
    def backend(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def input_size(self) -> tuple[int, int]: ...

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page.

        Args:
            pixels: RGB, uint8 [B, height, width, 3] at ``input_size``.
            sizes: (width, height) of each page in pixels; the boxes come in these.
        """
        ...

    def close(self) -> None:
        """End the processes that it runs in, if they are its own."""
        ...


class NoLayout:
    """The engine of data that needs no layout (scenes, the demo): it finds no region, and pages are barely scaled."""

    backend = NO_MODEL
    name = NO_MODEL
    fingerprint = ""
    labels: tuple[str, ...] = ()
    input_size = (1, 1)

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        return [Detections.none() for _ in sizes]

    def close(self) -> None:
        pass


def batches_at_once(engine: LayoutEngine) -> int:
    """How many threads may ask an engine at the same time: one for each of its devices."""
    return engine.at_once if isinstance(engine, EnginePool) else 1


def open_engine(settings: LayoutSettings) -> LayoutEngine:
    """The layout model that the settings name.

    Raises:
        PipelineError: the weights or the environment are not to be had, or the device is not there.
    """
    if settings.model == NO_MODEL:
        return NoLayout()
    if settings.backend == "paddle":
        from ocr_pipeline.layout_lmdb.paddle_engine import PaddleEngine

        devices = settings.device.split(",")
        open_one = partial(PaddleEngine, settings.model)
        return EnginePool(open_one, devices) if len(devices) > 1 else open_one(devices[0])
    return _transformers(settings.model, settings.device, settings)


def open_cell_engine(settings: LayoutSettings) -> LayoutEngine | None:
    """The detector of table cells that the settings name; None: none.

    Raises:
        PipelineError: as for `open_engine`.
    """
    if NO_MODEL in (settings.model, settings.table_model):
        return None
    return _transformers(settings.table_model, settings.table_device, settings)


def _transformers(model: str, device: str, settings: LayoutSettings) -> LayoutEngine:
    from ocr_pipeline.layout_lmdb import transformers_engine  # imports torch, which costs seconds

    open_one = partial(transformers_engine.TransformersEngine, model, cpu_fallback=settings.cpu_fallback)
    devices = transformers_engine.every_gpu() if device == "gpu" else device.split(",")
    if len(devices) < 2:
        return open_one(device)
    return EnginePool(partial(EngineProcess, open_one), devices)
