"""What a step costs by itself: ``python -m benchmarks.orchestration [ROUNDS]``.

Every way runs the same empty steps in a process of its own, over one Dagster home; what an empty run of that process
costs is in all of them, so the row of the in-process executor is the floor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import compare, report
from benchmarks.orchestration.steps import STEPS, defs


def run(job: str) -> int:
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "benchmarks.orchestration.steps", "-j", job]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return STEPS


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        os.environ |= {"DAGSTER_HOME": home, "OCR_PIPELINE_LEASES": f"{home}/leases", "OCR_PIPELINE_GPUS": ""}
        run("in_process")  # the first opener of a home creates its databases
        jobs = [job.name for job in defs.jobs or []]
        measured = compare({name: lambda name=name: run(name) for name in jobs}, rounds)
    report("Steps", measured, "steps", {})


if __name__ == "__main__":
    main()
