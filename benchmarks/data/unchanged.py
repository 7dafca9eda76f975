"""A run that finds nothing changed against the first run.

python -m benchmarks.data.labels FILES FOLDER             # makes the label files; goes on where it was stopped
python -m benchmarks.data.unchanged [FILES] [ROUNDS] [FOLDER]
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.data.labels import write_labels
from benchmarks.data.merge import stage
from benchmarks.measuring import compare, kept_and_scratch, report

_AGAIN = 5


def main(files: int = 100_000, rounds: int = 1, folder: str = "") -> None:
    """Measure and report."""
    with kept_and_scratch(folder) as (kept, scratch):
        root = write_labels(kept / f"labels-{files}", files)
        out = scratch / "out"
        peer, ours = "first run, two processes", "nothing changed"
        first = compare({peer: partial(stage, root, out)}, rounds, partial(_forget, out))
        measured = {**first, **compare({ours: partial(stage, root, out)}, _AGAIN)}
        report(f"nothing changed in {files:,} label files", measured, "files", {ours: (peer, 20)})


def _forget(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    os.sync()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
