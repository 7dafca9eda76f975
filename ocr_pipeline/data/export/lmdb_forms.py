"""One LMDB of each artifact, as the field has it, also of those that are in parts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ocr_pipeline.data.export.samples import Source, crops_of, pages_of
from ocr_pipeline.data.layout_lmdb import LayoutReader, write_layout_samples
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter


def write_crop_lmdb(folder: Path, source: Source) -> int:
    """``image-``, ``label-`` and ``meta-%09d`` (the origin, as JSON) from 1, and ``num-samples``; returns how many."""
    count = 0
    with LmdbWriter(folder / source.path.with_suffix(".lmdb").name) as lmdb:
        for count, sample in enumerate(crops_of(source), 1):
            lmdb.put(f"image-{count:09d}", sample.picture)
            lmdb.put(f"label-{count:09d}", sample.text.encode())
            lmdb.put(f"meta-{count:09d}", msgspec.json.encode(sample.origin))
        lmdb.put("num-samples", str(count).encode())
    return count


def write_layout_lmdb(folder: Path, source: Source) -> int:
    """The layout LMDB in one file; returns how many samples it holds."""
    samples = ((sample.picture, sample.page) for sample in pages_of(source))
    return write_layout_samples(folder / source.path.name, samples, LayoutReader(source.path).meta)
