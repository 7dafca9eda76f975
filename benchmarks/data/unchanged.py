"""A run that finds nothing changed against the first run.

python -m benchmarks.data.labels FILES FOLDER             # makes the label files; goes on where it was stopped
python -m benchmarks.data.unchanged [FILES] [ROUNDS] [FOLDER]
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.data.labels import write_labels
from benchmarks.data.merge import stage
from benchmarks.measuring import compare, kept_and_scratch, report


def main(files: int = 100_000, rounds: int = 2, folder: str = "") -> None:
    """Measure and report."""
    with kept_and_scratch(folder) as (kept, scratch):
        root = write_labels(kept / f"labels-{files}", files)
        first, again = scratch / "first", scratch / "again"
        stage(root, again)
        variants = {
            "first run, two processes": partial(_afresh, root, first),
            "nothing changed": partial(stage, root, again),
        }
        peer, ours = variants
        report(f"nothing changed in {files:,} label files", compare(variants, rounds), "files", {ours: (peer, 20)})


def _afresh(root: Path, out: Path) -> int:
    shutil.rmtree(out, ignore_errors=True)
    return stage(root, out)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
