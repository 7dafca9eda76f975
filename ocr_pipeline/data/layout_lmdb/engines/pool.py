"""One model on several devices: a process for each, and all of them take batches from one queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue
from typing import Any

import numpy as np

from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import WorkerPool


class EnginePool:
    """Engines that hold the same model; see `LayoutEngine` for the attributes.

    ``infer`` may be called from as many threads as there are engines (``at_once``): each call takes an engine that is
    free.

    Args:
        open_one: opens the engine of a device; called for all devices at once.
        devices: as in the settings.

    Raises:
        PipelineError: one of the engines cannot be opened.
    """

    def __init__(self, open_one: Callable[[str], LayoutEngine], devices: Sequence[str]) -> None:
        with ThreadPoolExecutor(len(devices)) as threads:
            self._engines = list(threads.map(open_one, devices))
        self.at_once = len(devices)
        self._free: SimpleQueue[LayoutEngine] = SimpleQueue()
        for engine in self._engines:
            self._free.put(engine)
        first = self._engines[0]
        self.backend, self.name, self.fingerprint = first.backend, first.name, first.fingerprint
        self.labels, self.input_size = first.labels, first.input_size

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page; see `LayoutEngine.infer`."""
        engine = self._free.get()
        try:
            return engine.infer(pixels, sizes)
        finally:
            self._free.put(engine)

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


class EngineProcess:
    """An engine in a process of its own; see `LayoutEngine` for the attributes.

    Args:
        open_engine: makes the engine there; it and its arguments have to survive pickling.

    Raises:
        PipelineError: what ``open_engine`` raises, or that the process was killed.
    """

    def __init__(self, open_engine: Callable[..., LayoutEngine], *arguments: Any) -> None:
        self._process = WorkerPool(1)
        about = self._ask(_open, open_engine, arguments)
        self.backend, self.name, self.fingerprint, self.labels, self.input_size = about
        self._slots: PictureSlots | None = None

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page; see `LayoutEngine.infer`."""
        slots = self._room(len(pixels))
        slots.pixels[: len(pixels)] = pixels
        return self._ask(_infer, slots, list(sizes))

    def close(self) -> None:
        self._process.close()
        if self._slots:
            self._slots.close()

    def _ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._process.executor.submit(work, *arguments).result()
        except BrokenProcessPool as error:
            raise PipelineError(
                "the process of a layout model was killed, most likely because memory ran out",
                where="FAST_LAYOUT_DEVICE",
                remedy="Run the same command again on fewer devices; detections made so far are kept.",
            ) from error

    def _room(self, count: int) -> PictureSlots:
        if self._slots is None or len(self._slots.pixels) < count:
            if self._slots:
                self._slots.close()
            self._slots = PictureSlots(count, self.input_size)
        return self._slots


_opened: list[LayoutEngine] = []  # the one engine of a process that was started for it


def _open(open_engine: Callable[..., LayoutEngine], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    engine = open_engine(*arguments)
    _opened.append(engine)
    return engine.backend, engine.name, engine.fingerprint, engine.labels, engine.input_size


def _infer(slots: PictureSlots, sizes: list[tuple[int, int]]) -> list[Detections]:
    return _opened[0].infer(slots.pixels[: len(sizes)], sizes)
