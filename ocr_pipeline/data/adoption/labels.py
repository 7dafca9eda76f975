"""Merged JSON and lookups of the earlier scripts."""

from __future__ import annotations

import shutil
from pathlib import Path

from ocr_pipeline.data import lookup as lookup_stage
from ocr_pipeline.data import merged_json as merge_stage
from ocr_pipeline.data.adoption.recognition import Found
from ocr_pipeline.data.adoption.taken import Taken
from ocr_pipeline.data.lookup import read_lookup, write_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.page import nfc
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.files.publishing import publish_file


def adopt_merged_json(found: Found, target: Path) -> Taken:
    """Read every page of a merged JSON in any of its shapes, then copy the file, byte for byte.

    Raises:
        PipelineError: it is damaged, or the output cannot be written.
    """
    counts, seen = Counts(), set()
    progress = Progress(f"adopt {found.path.name}", "pages")
    for page in read_pages(found.path, found.partition):
        name = hash((page.label, page.image))
        counts.note("pages_twice", int(name in seen))
        seen.add(name)
        counts = counts + Counts(1, 1, len(page.words), len(page.words))
        progress.advance()
    with publish_file(target) as draft, found.path.open("rb") as source, draft.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return Taken("merged_json", merge_stage.CODE_VERSION, fingerprint_file(target), counts)


def adopt_lookup(found: Found, target: Path) -> Taken:
    """Take over a lookup that is a dict of strings and nothing else; its names become NFC.

    Each name counts as a page; of two that become the same, the last stays.

    Raises:
        PipelineError: it holds anything else, is damaged, or the output cannot be written.
    """
    paths = read_lookup(found.path)
    composed = {nfc(name): path for name, path in paths.items()}
    write_lookup(target, composed)
    counts = Counts(pages_in=len(composed), pages_out=len(composed))
    counts.note("names_composed", sum(nfc(name) != name for name in paths))
    counts.note("names_twice", len(paths) - len(composed))
    return Taken("lookup", lookup_stage.CODE_VERSION, fingerprint_file(target), counts)
