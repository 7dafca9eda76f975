"""Crops to picture files and a JSONL against the obvious script: PIL opens each page once, crops, saves PNG.

python -m benchmarks.data.crops_jsonl [PAGES] [ROUNDS]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

from benchmarks.data.crops_lmdb import PARTITION, forget, prepare, stage
from benchmarks.measuring import compare, report
from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.storage.artifacts.workspace import Workspace


def main(pages: int = 120, rounds: int = 5) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        share, workspace = prepare(root, pages)

        def before() -> None:
            forget(workspace)
            shutil.rmtree(root / "script", ignore_errors=True)

        variants = {
            "PIL, one open a page, PNG files": partial(script, workspace, root / "script"),
            "annotations, jsonl": partial(stage, share, workspace, AnnotationSettings("jsonl")),
        }
        peer, ours = variants
        report("crops to JSONL and files, two cores", compare(variants, rounds, before), "crops", {ours: (peer, 3.5)})


def script(workspace: Workspace, out: Path) -> int:
    """What one writes by hand, in one process."""
    out.mkdir()
    lookup, number = load_lookup(workspace, PARTITION), 0
    with (out / "annotations.jsonl").open("w", encoding="utf-8") as lines:
        for page in read_pages(workspace.merged_json(PARTITION.key), PARTITION):
            with Image.open(str(lookup.find(page))) as opened:
                picture = opened.convert("RGB")
            for word in page.words:
                (left, top), _, (right, bottom), _ = word.quad
                crop = out / f"{page.stem}_{word.id:06d}.png"
                picture.crop((int(left), int(top), int(right), int(bottom))).save(crop)
                image_info = [{"matched_text_index": 0, "image_url": str(crop)}]
                text_info = [{"text": "OCR:", "tag": "mask"}, {"text": word.text, "tag": "no_mask"}]
                line = {"image_info": image_info, "text_info": text_info}
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")
                number += 1
    return number


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
