"""What stands between the words of a line."""

from __future__ import annotations

from collections.abc import Iterator

from ocr_pipeline.reading.order.lines import OrderedLine
from ocr_pipeline.reading.record import Before

JOINED = -0.25
"""Heights of the line: boxes that lie over each other by more hold parts of one word.

A box is a word between spaces in most labels, so that what separates two boxes is a space unless they overlap.
"""


def befores(line: OrderedLine) -> Iterator[Before]:
    """For each word of a line what stands before it."""
    yield ""
    for gap in line.gaps:
        yield "\t" if gap == float("inf") else "" if gap < JOINED else " "
