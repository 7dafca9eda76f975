"""Samples into a layout LMDB, format 2: ``image-%09d`` and ``gt-%09d`` from 1, and what the whole was made with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline.storage.files.publishing import publish_folder

FORMAT_VERSION = "2"


class LayoutSample(NamedTuple):
    """An encoded picture, its record, and the picture's fingerprint where it is known already (else empty)."""

    image: bytes
    record: LayoutRecord
    fingerprint: str = ""


def write_layout_samples(path: Path, samples: Iterable[tuple[bytes, LayoutRecord]], meta: dict[str, Any]) -> int:
    """Publish a layout LMDB.

    Args:
        path: the LMDB's folder; it appears whole, or not at all.
        samples: (encoded picture, record) in the order in which they will be numbered; taken one at a time.
        meta: what the samples were made with (engine, model, thresholds).

    Returns:
        how many samples it holds.
    """
    with publish_folder(path) as draft:
        return fill_folder(draft, (LayoutSample(*sample) for sample in samples), meta)


def fill_folder(folder: Path, samples: Iterable[LayoutSample], meta: dict[str, Any]) -> int:
    """Write a layout LMDB into a folder that somebody else publishes, and tell how many samples it holds."""
    count = 0
    with LmdbWriter(folder) as lmdb:
        for count, (image, record, _) in enumerate(samples, start=1):
            lmdb.put(f"image-{count:09d}", image)
            lmdb.put(f"gt-{count:09d}", msgspec.json.encode(record))
        lmdb.put("num-samples", str(count).encode())
        lmdb.put("format_version", FORMAT_VERSION.encode())
        lmdb.put("layout-model", msgspec.json.encode(meta, order="deterministic"))
    return count
