"""What a delivery of one page writes of a partition of many.

    python -m benchmarks.data.delivery [PAGES] [FOLDER]

The pages are small (320 x 200 pixels, eight words), because it is their number that matters here. A part is about
50,000 pages of word crops and about 500 of layouts; the page comes in the middle of the names. With a FOLDER, pages and
results stay there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data.pages import small_page, write_page, write_pages
from benchmarks.measuring import kept_and_scratch
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

PARTITION = source_partition("public_admin_train")
WORKERS = 2


def main(pages: int = 200_000, folder: str = "") -> None:
    """Make all data, deliver a page, make it again, and print what was written."""
    with kept_and_scratch(folder) as (kept, _):
        share, workspace = kept / f"small-{pages}", Workspace(kept / f"delivered-{pages}")
        if not share.exists():
            write_pages(kept / f".small-{pages}", pages, [small_page(seed) for seed in range(16)]).rename(share)
        _make(share, workspace)
        before = {path.stat().st_ino for path in _files(workspace.root)}
        _deliver(share, pages)
        _make(share, workspace)
        for artifact in (workspace.annotations("public_admin", "train", "lmdb"), _layouts(workspace)):
            _report(artifact, before)
        new = [path for path in _files(workspace.root) if path.stat().st_ino not in before and path.suffix != ".mdb"]
        largest = sorted(((path.stat().st_size, str(path.relative_to(workspace.root))) for path in new), reverse=True)
        sys.stdout.write(f"beside LMDBs {sum(size for size, _ in largest):,} bytes, of them {largest[:4]}\n")


def _make(share: Path, workspace: Workspace) -> None:
    source = Share(str(share))
    merge_labels(source, PARTITION, workspace, workers=WORKERS)
    build_lookup(source, PARTITION, workspace)
    crops = build_annotations(source, PARTITION, workspace, AnnotationSettings("lmdb"), crew=Processes(WORKERS))
    layouts = build_layouts(source, PARTITION, workspace, LayoutSettings(), crew=Processes(WORKERS))
    assert all(made.counts.pages_out == made.counts.pages_in for made in (*crops, *layouts))


def _deliver(share: Path, pages: int) -> None:
    """One page in the midst of the others, whichever it is of this share's deliveries."""
    deliveries = len(list(share.rglob(f"*-{pages // 2:06d}*.jpg")))
    write_page(share, pages // 2, small_page(99), ending=f"-{deliveries}")


def _layouts(workspace: Workspace) -> Path:
    return workspace.layout_lmdb("public_admin", "train")


def _report(artifact: Path, before: set[int]) -> None:
    parts = sorted(artifact.glob("part-*/data.mdb"))
    sizes = [path.stat().st_size for path in parts]
    written = [path.stat().st_size for path in parts if path.stat().st_ino not in before]
    sys.stdout.write(
        f"{artifact.name}: {len(written)} of {len(parts)} parts, {sum(written):,} of {sum(sizes):,} bytes; "
        f"two parts of the largest are {2 * max(sizes):,}\n"
    )
    sys.stdout.flush()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
