"""How much memory each stage takes for few and for many pages.

    python -m benchmarks.data.flat [FEW] [MANY] [FOLDER] [STAGE ...]

Each stage runs in a process of its own; the pages are small (320x200, eight words), because it is their number that
matters here. With a FOLDER, pages and results stay there: stages can then be measured one at a time, in their order.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from benchmarks.data.kills import forget
from benchmarks.data.memory import peak
from benchmarks.data.pages import small_page, write_pages
from benchmarks.measuring import kept_and_scratch
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

PARTITION = "public_admin_train"


def main(few: int = 1000, many: int = 20_000, folder: str = "", *stages: str) -> None:
    """Measure and print a line for each stage.

    Args:
        stages: of `STAGES`; all by default. What comes before a stage must be in the folder.
    """
    with kept_and_scratch(folder) as (kept, _):
        for name in stages or STAGES:
            least, most = (_peak(kept, pages, name) for pages in (few, many))
            sys.stdout.write(f"{name:8} {least:5} MB at {few:,} pages, {most:5} MB at {many:,}\n")
            sys.stdout.flush()


def merge(share: Path, out: Path) -> None:
    merge_labels(Share(share), source_partition(PARTITION), Workspace(out), workers=2)


def lookup(share: Path, out: Path) -> None:
    build_lookup(Share(share), source_partition(PARTITION), Workspace(out))


def crops(share: Path, out: Path, form: Literal["lmdb", "jsonl"]) -> None:
    settings = AnnotationSettings(form)
    made = build_annotations(Share(share), source_partition(PARTITION), Workspace(out), settings, crew=Processes(2))
    assert all(one.counts.pages_out == one.counts.pages_in for one in made)


def lmdb(share: Path, out: Path) -> None:
    crops(share, out, "lmdb")


def jsonl(share: Path, out: Path) -> None:
    crops(share, out, "jsonl")


STAGES: dict[str, Callable[[Path, Path], None]] = {
    "merge": merge,
    "lookup": lookup,
    "lmdb": lmdb,
    "jsonl": jsonl,
}


def _peak(kept: Path, pages: int, name: str) -> int:
    share, out = kept / f"pages-{pages}", kept / f"out-{pages}"
    if not share.exists():
        draft = kept / f".pages-{pages}"
        shutil.rmtree(draft, ignore_errors=True)
        write_pages(draft, pages, [small_page(seed) for seed in range(16)]).rename(share)
    forget(out, name)
    return peak(STAGES[name], share, out)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
