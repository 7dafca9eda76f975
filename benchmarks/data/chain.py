"""Merge, lookup and annotations together against the fairest script one can write by hand, and how flat memory stays.

    python -m benchmarks.data.chain [PAGES] [ROUNDS]
    python -m benchmarks.data.chain memory [FEW] [MANY]

The script uses the same libraries (msgspec, OpenCV, lmdb) in one process and one thread, decodes each page once and
writes the same three results: a merged JSON, a lookup and an LMDB. It checks nothing, keeps no shards, syncs nothing.
"""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import lmdb
import msgspec
import numpy as np

from benchmarks.data.crops_lmdb import PARTITION, WORKERS
from benchmarks.data.pages import write_share
from benchmarks.measuring import compare, report
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

_BATCH = 1000


def main(pages: int = 600, rounds: int = 3) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        share = write_share(root / "share", pages, words=(60, 60))

        def before() -> None:
            for name in ("out", "script"):
                shutil.rmtree(root / name, ignore_errors=True)
            os.sync()

        variants = {
            "script, one process": partial(script, share, root / "script"),
            "merge, lookup, annotations": partial(chain, share, root / "out"),
        }
        peer, ours = variants
        report("merge to crops, two cores", compare(variants, rounds, before), "crops", {ours: (peer, 1.8)})
        sys.stdout.write(f"  peak memory of the chain in a process of its own: {_peak(share, root / 'out'):,.0f} MB\n")


def memory(few: int = 1000, many: int = 4000) -> None:
    """Peak memory of the whole chain for few and for many pages, each in a process of its own."""
    for pages in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            share = write_share(Path(folder) / "share", pages)
            start = time.monotonic()
            peak = _peak(share, Path(folder) / "out")
            sys.stdout.write(f"{pages:,} pages: {peak:,.0f} MB at most, {time.monotonic() - start:.1f} s\n")


def chain(share: Path, out: Path) -> int:
    """The three stages, as the commands run them."""
    source, workspace = Share(share), Workspace(out)
    merge_labels(source, PARTITION, workspace, workers=WORKERS)
    build_lookup(source, PARTITION, workspace)
    (manifest,) = build_annotations(source, PARTITION, workspace, AnnotationSettings("lmdb"), crew=Processes(WORKERS))
    return manifest.counts.words_out


def script(share: Path, out: Path) -> int:
    """One pass over the label files; everything that is written is written once."""
    cv2.setNumThreads(1)
    out.mkdir()
    pictures = {path.name: str(path) for path in _files(share, ".jpg")}
    with gzip.open(out / "lookup.pkl.gz", "wb", 6) as file:
        pickle.dump(pictures, file, protocol=4)
    number, merged, pending = 0, [], []
    with lmdb.open(str(out / "crops.lmdb"), map_size=1 << 36, sync=False) as environment:
        for path in sorted(_files(share, ".json")):
            label = msgspec.json.decode(path.read_bytes())
            merged.append(label)
            name = label["images"][0]["image.file.name"]
            pixels = cv2.imdecode(np.fromfile(pictures[name], np.uint8), cv2.IMREAD_COLOR)
            for annotation in label["annotations"]:
                left, top, width, height = annotation["annotation.bbox"]
                crop = pixels[top : top + height, left : left + width]
                number += 1
                encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
                pending.append((b"image-%09d" % number, encoded))
                pending.append((b"label-%09d" % number, annotation["annotation.text"].encode()))
            if len(pending) > _BATCH:
                _put(environment, pending)
        _put(environment, [*pending, (b"num-samples", b"%d" % number)])
    (out / "merged.json").write_bytes(msgspec.json.encode(merged))
    return number


def _put(environment: lmdb.Environment, pending: list[tuple[bytes, bytes]]) -> None:
    with environment.begin(write=True) as transaction:
        transaction.cursor().putmulti(pending)
    pending.clear()


def _files(root: Path, extension: str) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names if name.endswith(extension))


_PEAK = """
import re, resource, sys
from pathlib import Path
from benchmarks.data.chain import chain
chain(Path(sys.argv[1]), Path(sys.argv[2]))
(own,) = re.findall(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())
print(int(own) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _peak(share: Path, out: Path) -> float:
    """Megabytes that the chain holds at most (the kernel's VmHWM), with the largest of its worker processes."""
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([sys.executable, "-c", _PEAK, str(share), str(out)], check=True, capture_output=True)
    return int(done.stdout) / 1000


if __name__ == "__main__":
    run = memory if sys.argv[1:2] == ["memory"] else main
    run(*map(int, sys.argv[2:] if run is memory else sys.argv[1:]))
