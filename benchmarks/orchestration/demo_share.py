"""How much of the demo's time is Dagster's: ``python -m benchmarks.orchestration.demo_share FOLDER data|rest``.

The demo's runs, as ``make demo`` makes them, with a clock in each step that runs while the stage works (what the asset
shows of its artifact and what Dagster adds count as Dagster's). ``data`` prepares FOLDER and runs the ten data jobs,
``rest`` the trainings and the inference; the totals of both stand in FOLDER, and ``rest`` prints them together.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dagster as dg

from ocr_pipeline import dlora
from ocr_pipeline.orchestration import demo, stage_runs

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
    folder, part = Path(sys.argv[1]).absolute(), sys.argv[2]
    this = demo.Demo(folder)
    if part == "data":
        shutil.rmtree(folder, ignore_errors=True)
        demo.prepare(this, dlora.TINY_KOREAN)
    os.environ |= this.environment | {"DAGSTER_HOME": demo.dagster_home(folder)}
    clock = Clock()
    stage_runs._lease = clock.lease
    runs = [run for run in demo.RUNS if (run[0] == "data") == (part == "data")]
    with dg.DagsterInstance.get() as instance:
        began = time.perf_counter()
        failed = list(demo.materialise(instance, lambda run: None, runs))
        wall = time.perf_counter() - began
    (folder / f"{part}.json").write_text(json.dumps({"wall": wall, "stages": clock.seconds}))
    sys.stdout.write(f"failed: {failed or 'nothing'}\npart | wall s | in stages s | Dagster\n")
    parts = [json.loads(path.read_text()) for path in (folder / "data.json", folder / "rest.json") if path.exists()]
    total = {name: sum(row[name] for row in parts) for name in ("wall", "stages")}
    for name, row in zip(("data", "rest", "both"), [*parts, total], strict=False):
        sys.stdout.write(f"{name} | {row['wall']:.1f} | {row['stages']:.1f} | {1 - row['stages'] / row['wall']:.0%}\n")


if __name__ == "__main__":
    main()
