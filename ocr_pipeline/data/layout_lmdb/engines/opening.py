"""The layout model and the detector of table cells that the settings name, opened on their devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import NamedTuple

from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine, NoLayout
from ocr_pipeline.data.layout_lmdb.engines.pool import EnginePool, EngineProcess
from ocr_pipeline.data.layout_lmdb.settings import NO_MODEL, LayoutSettings
from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.devices.names import gpu_name


def batches_at_once(engine: LayoutEngine) -> int:
    """How many threads may ask an engine at the same time: one for each of its devices."""
    return engine.at_once if isinstance(engine, EnginePool) else 1


class Engines(NamedTuple):
    """The layout model, and the detector of table cells where one is wanted."""

    layout: LayoutEngine
    cells: LayoutEngine | None = None


@contextmanager
def open_engines(settings: LayoutSettings) -> Iterator[Engines]:
    """Both models for as long as they are needed. Raises what `open_engine` raises."""
    with ExitStack() as stack:
        layout = stack.enter_context(closing(open_engine(settings)))
        cells = open_cell_engine(settings)
        yield Engines(layout, cells and stack.enter_context(closing(cells)))


def open_engine(settings: LayoutSettings) -> LayoutEngine:
    """The layout model that the settings name.

    Raises:
        PipelineError: the weights or the environment are not to be had, or the device is not there.
    """
    if settings.model == NO_MODEL:
        return NoLayout()
    if settings.backend == "paddle":
        from ocr_pipeline.data.layout_lmdb.engines.paddle_engine import PaddleEngine

        devices = _named(settings.device).split(",")
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
    from ocr_pipeline.data.layout_lmdb.engines import transformers_engine  # imports torch, which costs seconds

    open_one = partial(transformers_engine.TransformersEngine, model, cpu_fallback=settings.cpu_fallback)
    device = _named(device)
    devices = transformers_engine.every_gpu() if device == "gpu" else device.split(",")
    if len(devices) < 2:
        return open_one(device)
    return EnginePool(partial(EngineProcess, open_one), devices)


def _named(device: str) -> str:
    """Devices as the engines call them: ``cpu``, ``gpu`` or ``gpu:0,gpu:1``."""
    if device == "auto":
        return "gpu" if find_machine().gpus else "cpu"
    return gpu_name(device)
