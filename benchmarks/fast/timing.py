"""Variants in turns, several rounds, medians; and the line that says whether a bar is met."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds(variants: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median wall time of each variant; they take turns, so that another's load falls on all of them."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            start = time.perf_counter()
            variant()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def ratio_line(title: str, times: Mapping[str, float], bar: float) -> str:
    """``times`` holds the peer first and ours second."""
    (peer, slow), (ours, fast) = times.items()
    verdict = "met" if slow / fast >= bar else "missed"
    return (
        f"{title}: {peer} {slow * 1000:.1f} ms, {ours} {fast * 1000:.1f} ms: "
        f"{slow / fast:.1f}x (bar {bar:g}x {verdict}; load {os.getloadavg()[0]:.1f})"
    )
