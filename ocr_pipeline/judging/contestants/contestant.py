"""What everybody who is judged offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ocr_pipeline.page import Quad
from ocr_pipeline.recognition import Reading
from ocr_pipeline.storage.artifacts.workspace import Workspace


class Seen(NamedTuple):
    """A word that was found in a page and, by those who read, its text.

    Attributes:
        quad: in pixels of the page.
        confidence: of the text, from 0 to 1; of the box, by those who only find.
    """

    quad: Quad
    text: str
    confidence: float


Look = Callable[[np.ndarray], list[Seen]]
"""The words of a page, uint8 [height, width, 3] RGB."""
Read = Callable[[Sequence[np.ndarray]], list[Reading]]
"""The texts of crops of one word or line each, uint8 [height, width, 3] RGB, in their order."""


@dataclass(frozen=True)
class Contestant:
    """Someone who is judged.

    Attributes:
        name: as it stands in the tables.
        version: exactly what was judged: of a program its number, of our models their fingerprint.
        look: finds the words of a page; None: it only reads crops.
        reads_pages: whether ``look`` tells the texts too.
        read: reads crops; None: it only finds, or reads whole pages alone.
    """

    name: str
    version: str
    look: Look | None = None
    reads_pages: bool = False
    read: Read | None = None


class Opening(NamedTuple):
    """How a contestant is made ready.

    Attributes:
        workspace: where champions are.
        place: what stands behind its name: a path, an interpreter, a mode; empty for nothing.
        stack: closes what it holds open.
    """

    workspace: Workspace
    device: str
    batch_size: int
    stack: ExitStack
    place: str = ""
