"""Whether two demos hold the same: data artifacts to the byte, weights to the tensor, whatever made them.

    python -m benchmarks.orchestration.same_demos demo_before demo_after

Lookups are compared without the folder in which the share lies. Ends with 1 if anything differs, and names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.orchestration.kills_digest import digest
from ocr_pipeline.data.lookup import read_lookup
from ocr_pipeline.storage.artifacts.workspace import Workspace


def contents(demo: Path) -> dict[str, object]:
    """What each published artifact of a demo holds, by its name."""
    workspace = Workspace(demo / "output")
    held: dict[str, object] = dict(digest(workspace))
    for path in (workspace.root / "lookup").glob("*.pkl.gz"):
        held[path.name] = {name: where.partition("/share/")[2] for name, where in read_lookup(path).items()}
    return held


def main(before: str, after: str) -> int:
    """Print what differs between two demo folders; the number of differences is 0 or the exit code 1."""
    one, other = contents(Path(before)), contents(Path(after))
    differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    sys.stdout.write("".join(f"differs: {name}\n" for name in differing))
    sys.stdout.write(f"{len(one.keys() | other.keys())} artifacts, {len(differing)} differ\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
