"""A fleet on paper: what was measured of one page, carried on to millions of pages and many machines. Nothing is run.

python -m benchmarks.data.on_paper [PAGES ...]

Under Ray all machines share the pieces of crops and layouts. Any other partition is a step on one machine, so a fleet
is never sooner ready with it than with its largest partition; the last column of hours says what it would take if that
were shared too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Literal, NamedTuple

CORES = 16
"""Of each machine; it has one GPU."""
LARGEST = 489_681 / 1_460_000
"""Of all pages those of ocr_public_train, by the known counts."""


class Slope(NamedTuple):
    """What a page costs.

    Attributes:
        seconds: of one core, or of the GPU; kilobytes: that stay on the disk, with those of the shards.
        of: what a partition takes of its machine: all cores, one (so that its partitions go on side by side), the GPU.
        is_shared: whether all machines work at one partition.
    """

    seconds: float
    kilobytes: float
    of: Literal["cores", "core", "GPU"]
    is_shared: bool = False


STEPS = {
    "merged_json": Slope(0.00025, 9, "cores"),
    "lookup": Slope(0.000064, 0.3, "core"),
    "annotations": Slope(0.028, 79 + 54, "cores", True),
    "data_quality": Slope(0.004, 0, "core"),
    "layout_lmdb, no model": Slope(0.052, 214, "cores", True),
    "layout_lmdb, 70 ms a page": Slope(0.07, 214, "GPU", True),
}
"""Measured on 2,000 to 20,000 pages of 28 words and 512 x 704 pixels, on two busy cores (lookup: a million names), but
for the GPU, whose 70 ms are assumed. Ratios are to be trusted, hours are not."""


def rows(pages: int) -> Iterator[tuple[str, ...]]:
    """One for each step: hours on 1, 8 and 64 machines, on 64 if all of it were shared, and gigabytes."""
    for name, slope in STEPS.items():
        alone = pages * slope.seconds / (CORES if slope.of == "cores" else 1) / 3600
        least = 1.0 if slope.of != "core" else LARGEST
        fleet = [alone * max(0.0 if slope.is_shared else LARGEST, least / machines) for machines in (1, 8, 64)]
        yield name, *(f"{hours:.2f}" for hours in (*fleet, alone / 64)), f"{slope.kilobytes * pages / 1e6:,.0f}"


def main(*pages: int) -> None:
    """Print a table in Markdown for each number of pages."""
    columns = ("step", "1 machine", "8", "64", "64, all shared", "GB")
    for count in pages:
        table = [columns, ("---",) * len(columns), *rows(count)]
        lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
        sys.stdout.write(f"{count:,} pages\n\n{lines}\n\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("1460000", "10000000")))
