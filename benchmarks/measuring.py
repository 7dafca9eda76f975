"""Variants side by side: interleaved, repeated, compared by their medians; one line and one chart for each."""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Measured:
    """Medians of one variant.

    Attributes:
        wall, cpu: seconds; processor time is that of this process and of the processes it has waited for, and 0 where
            others did the work.
        units: pieces of work done in that time.
    """

    wall: float
    cpu: float
    units: int

    @property
    def speed(self) -> float:
        """Units in a second."""
        return self.units / self.wall


@contextmanager
def kept_and_scratch(folder: str) -> Iterator[tuple[Path, Path]]:
    """Where made-up inputs stay for the next run, and an empty folder that goes afterwards.

    Args:
        folder: both lie below it, and it is made if it is not there; without one, nothing stays.
    """
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder or None) as scratch:
        yield Path(folder or scratch), Path(scratch)


def compare(
    variants: Mapping[str, Callable[[], int]], rounds: int = 5, before: Callable[[], None] = lambda: None
) -> dict[str, Measured]:
    """Run every variant once in each round, in an order that changes; each returns how many units it has done.

    Args:
        before: puts things back before each run; its time does not count.
    """
    runs: dict[str, list[Measured]] = {name: [] for name in variants}
    order, chance = list(variants), random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        for name in order:
            before()
            gc.collect()
            runs[name].append(_timed(variants[name]))
    return {name: _median(runs[name]) for name in variants}


def report(title: str, measured: Mapping[str, Measured], unit: str, bars: Mapping[str, tuple[str, float]]) -> None:
    """Write a table to the terminal, numbers and a chart to ``benchmarks/results``.

    Args:
        bars: variant -> (peer, the least ratio of their speeds).
    """
    lines = [f"{title} (load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)"]
    for name, row in measured.items():
        line = f"  {name:40} {row.speed:12,.0f} {unit}/s  {row.wall:8.2f} s  {row.cpu:8.2f} CPU s"
        if name in bars:
            peer, least = bars[name]
            ratio = row.speed / measured[peer].speed
            by_cpu = f"by CPU {measured[peer].cpu / row.cpu:.2f}; " if row.cpu else ""
            line += f"  {ratio:.2f} x {peer} ({by_cpu}bar {least})"
        lines.append(line)
    sys.stdout.write("\n".join(lines) + "\n")
    RESULTS.mkdir(exist_ok=True)
    name = title.replace(" ", "_").replace(",", "")
    numbers = {key: {"wall": row.wall, "cpu": row.cpu, "units": row.units} for key, row in measured.items()}
    text = json.dumps({"title": title, "load": os.getloadavg()[0], "measured": numbers, "bars": bars}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    (RESULTS / f"{name}.svg").write_text(chart(title, {key: row.speed for key, row in measured.items()}, f"{unit}/s"))


def chart(title: str, values: Mapping[str, float], unit: str) -> str:
    """A bar for each value, as SVG."""
    longest, row = max(values.values()), 28
    height = row * (len(values) + 1) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(values.items(), start=1):
        top = place * row
        parts.append(f'<text x="8" y="{top + 17}">{escape(name)}</text>')
        parts.append(f'<rect x="300" y="{top + 4}" width="{330 * value / longest:.0f}" height="18" fill="#4878a8"/>')
        parts.append(f'<text x="{306 + 330 * value / longest:.0f}" y="{top + 17}">{value:,.0f} {escape(unit)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _timed(variant: Callable[[], int]) -> Measured:
    cpu, start = _cpu(), time.perf_counter()
    units = variant()
    return Measured(time.perf_counter() - start, _cpu() - cpu, units)


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs), runs[0].units
    )


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(row.ru_utime + row.ru_stime for row in used)
