"""How much of the demo's time is Dagster's: ``python -m benchmarks.orchestration.demo_share FOLDER``.

The demo's runs, as ``make demo`` makes them, with a clock in each step that runs while the stage works; the rest
counts as Dagster's. What was measured stands in FOLDER, and a call that was interrupted goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dagster as dg

from ocr_pipeline.demo import graph as demo
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.orchestration import stage_runs

_lease = stage_runs._lease


class Clock:
    """Seconds spent inside stages."""

    seconds = 0.0

    def lease(self, context: Any) -> AbstractContextManager[None]:
        @contextlib.contextmanager
        def timed() -> Iterator[None]:
            with _lease(context):
                began = time.perf_counter()
                try:
                    yield
                finally:
                    self.seconds += time.perf_counter() - began

        return timed()


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    this = demo.Demo(folder)
    if not this.truth.exists():
        demo.prepare(this, TINY_KOREAN)
    os.environ |= this.environment | {"DAGSTER_HOME": demo.dagster_home(folder)}
    parts = {job: _measured(folder / f"{job}.json", job) for job in dict.fromkeys(job for job, _ in demo.RUNS)}
    parts["together"] = {name: sum(part[name] for part in parts.values()) for name in ("wall", "stages")}
    sys.stdout.write("jobs | wall s | in stages s | Dagster\n")
    for name, part in parts.items():
        share = 1 - part["stages"] / part["wall"]
        sys.stdout.write(f"{name} | {part['wall']:.1f} | {part['stages']:.1f} | {share:.0%}\n")


def _measured(kept: Path, job: str) -> dict[str, float]:
    """The seconds of all runs of one job, and those spent in stages; measured once for each folder."""
    if not kept.exists():
        clock = Clock()
        stage_runs._lease = clock.lease
        with dg.DagsterInstance.get() as instance:
            began = time.perf_counter()
            failed = list(demo.materialise(instance, lambda run: None, [run for run in demo.RUNS if run[0] == job]))
            wall = time.perf_counter() - began
        if failed:
            raise RuntimeError(f"failed: {failed}")
        kept.write_text(json.dumps({"wall": wall, "stages": clock.seconds}))
    return json.loads(kept.read_text())


if __name__ == "__main__":
    main()
