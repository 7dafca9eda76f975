"""What came of looking at suspects: how many of each kind were errors in truth."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

from ocr_pipeline.data.corrections import in_force, read_overlay
from ocr_pipeline.storage.artifacts.workspace import Workspace

_Z = 1.959964  # of the normal distribution at 95 %


class Yield(NamedTuple):
    """How many suspects of a kind a person looked at and mended, and the 95 % interval (Wilson 1927) of the share."""

    kind: str
    looked_at: int
    mended: int
    low: float
    high: float


def yield_by_kind(workspace: Workspace, partition: str) -> list[Yield]:
    """By kind, of what people said of a partition's suspects so far.

    Raises:
        PipelineError: the overlay is damaged.
    """
    last = {row.place: row for row in in_force(read_overlay(workspace.corrections(partition))) if row.why}
    looked = Counter(row.why for row in last.values())
    mended = Counter(row.why for row in last.values() if row.action != "keep")
    return [Yield(kind, count, mended[kind], *_wilson(mended[kind], count)) for kind, count in sorted(looked.items())]


def _wilson(hits: int, count: int) -> tuple[float, float]:
    share, room = hits / count, _Z**2 / count
    middle, reach = share + room / 2, _Z * math.sqrt(share * (1 - share) / count + room / (4 * count))
    return max((middle - reach) / (1 + room), 0.0), min((middle + reach) / (1 + room), 1.0)
