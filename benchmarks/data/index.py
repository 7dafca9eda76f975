"""Listing a share against ``pathlib.rglob`` into a dict.

python -m benchmarks.data.index [FILES] [ROUNDS] [FOLDER]
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.measuring import compare, kept_and_scratch, report
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.lookup import picture_input
from ocr_pipeline.data.lookup.index import index_pictures
from ocr_pipeline.storage.source.share import Share

PARTITION = source_partition("public_admin_train")
_PICTURES = "공공행정문서 OCR/Training/[원천]train1/02.원천데이터(jpg)"


def main(files: int = 200_000, rounds: int = 3, folder: str = "") -> None:
    """Measure and report."""
    with kept_and_scratch(folder) as (kept, _):
        root = write_names(kept / f"names-{files}", files)
        variants = {
            "pathlib.rglob into a dict": partial(by_hand, root),
            "names and paths": partial(index, root),
            "names, paths, sizes, times, fingerprint": partial(index_and_fingerprint, root),
        }
        peer, ours, _ = variants
        report(f"index of {files:,} pictures", compare(variants, rounds), "files", {ours: (peer, 5)})


def by_hand(root: Path) -> int:
    """File name -> path."""
    return len({path.name: str(path) for path in root.rglob("*.jpg")})


def index(root: Path) -> int:
    """What the lookup holds, from the share as the stage walks it."""
    share = Share(root)
    return sum(1 for _ in index_pictures(share, list(PARTITION.picture_folders(share))))


def index_and_fingerprint(root: Path) -> int:
    """The same, and what tells the next run that nothing changed."""
    share = Share(root)
    folders = list(PARTITION.picture_folders(share))
    picture_input(folders)
    return sum(1 for _ in index_pictures(share, folders))


def write_names(root: Path, count: int, per_folder: int = 1000) -> Path:
    """Write empty pictures in the set's folders, unless they are there."""
    for first in range(0, count, per_folder):
        folder = root / _PICTURES / f"{first // per_folder:04d}"
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        for number in range(first, min(count, first + per_folder)):
            (folder / f"5350109-2001-0001-{number:06d}.jpg").touch()
    return root


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
