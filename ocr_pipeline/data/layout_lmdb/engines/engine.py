"""What a layout engine is, and the one that looks at nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.settings import NO_MODEL


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
