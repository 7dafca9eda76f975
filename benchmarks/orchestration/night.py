"""What a night costs in which nothing changed.

    python -m benchmarks.orchestration.night FOLDER

FOLDER is that of a finished `make demo`; its ten partitions are only read. The job `night` runs as the daemon starts
it, in a process of its own, over a home that knows of all of them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

COMMAND = ["-m", "dagster", "job", "execute", "-m", "ocr_pipeline.definitions", "-j", "night"]
CLI = "from ocr_pipeline.cli import main; main()"


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        places = {"OCR_PIPELINE_SOURCE": str(folder / "share"), "OCR_PIPELINE_OUTPUT": str(folder / "output")}
        environment = {**os.environ, **places, "OCR_PIPELINE_RECIPE": "", "DAGSTER_HOME": home}
        subprocess.run([sys.executable, "-c", CLI, "register"], env=environment, check=True)
        before, began, used = size(Path(home)), time.monotonic(), seconds_used()
        done = subprocess.run([sys.executable, *COMMAND], env=environment, check=True, capture_output=True, text=True)
        took = time.monotonic() - began
        click.echo(done.stderr.rstrip().rpartition("look_for_work - ")[2].partition("\n")[0])
        grown = size(Path(home)) - before
        click.echo(f"{took:.1f} s, {seconds_used() - used:.1f} s of processors; the log grew by {grown / 1e6:.2f} MB")


def size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def seconds_used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(Path(sys.argv[1]))
