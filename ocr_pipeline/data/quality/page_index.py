"""Which page of a partition has which picture, as a small SQLite file: sets are compared without filling memory."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.page import nfc
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import Input, upstream
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "1"
_AT_ONCE = 10_000
_COPY_MARK = re.compile(r"[\s_-]*(\(\d+\)|copy|복사본|사본)[\s\d]*$")
_TABLE = "CREATE TABLE pages (split TEXT, image TEXT, stem TEXT, name TEXT, path TEXT, size INTEGER)"


def page_index(share: Share, partition: SourcePartition, workspace: Workspace) -> Path:
    """The index of one partition; made when it is missing or its pages or pictures changed.

    Table ``pages``: split, image, stem (case folded), name (the stem without copy marks), path (as in the lookup; NULL
    without a picture), size (bytes).
    """
    target = workspace.page_index(partition.key)
    inputs = index_inputs(partition, workspace)
    with (
        file_lock(target),
        publication(
            target,
            stage="page_index",
            partition=partition.key,
            code_version=CODE_VERSION,
            settings={},
            inputs=inputs,
            has_quarantine=False,
        ) as made,
    ):
        if made.current is None:
            with made.file() as draft:
                _fill(draft, share, partition, workspace)
            made.fingerprint = fingerprint_of(item.fingerprint for item in inputs)
    return target


def index_inputs(partition: SourcePartition, workspace: Workspace) -> list[Input]:
    """What an index is made from; the lookup's fingerprint covers the sizes of the pictures."""
    return [
        upstream("merged_json", workspace.merged_json(partition.key)),
        upstream("lookup", workspace.lookup(partition.key)),
    ]


def name_without_copy_mark(stem: str) -> str:
    """``scan (2)``, ``SCAN_copy`` and ``scan - 복사본`` are names of ``scan``."""
    return _COPY_MARK.sub("", nfc(stem).casefold())


def _fill(draft: Path, share: Share, partition: SourcePartition, workspace: Workspace) -> None:
    with _writing(draft) as index:
        index.execute(_TABLE)
        for rows in _chunks(_rows(partition, workspace)):
            index.executemany("INSERT INTO pages VALUES (?, ?, ?, ?, ?, NULL)", rows)
        index.execute("CREATE INDEX by_path ON pages (path)")
        sizes = ((picture.size, share.full_path(picture.path)) for picture in partition.pictures(share))
        for rows in _chunks(sizes):
            index.executemany("UPDATE pages SET size = ? WHERE path = ?", rows)
        index.execute("CREATE INDEX by_size ON pages (size)")


def _rows(partition: SourcePartition, workspace: Workspace) -> Iterator[tuple[str, str, str, str, str | None]]:
    find = load_lookup(workspace, partition).finder()
    progress = Progress(f"quality {partition.key}", "pages listed")
    for page in read_pages(workspace.merged_json(partition.key), partition):
        found, stem = find(page), nfc(page.stem).casefold()
        path = found if isinstance(found, str) else None
        yield page.split, page.image, stem, name_without_copy_mark(stem), path
        progress.advance()


def _chunks(rows: Iterable[tuple]) -> Iterator[list[tuple]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _AT_ONCE)):
        yield chunk


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A database that needs no journal: it is published whole or not at all."""
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
    except sqlite3.OperationalError as error:  # the disk is full, or read-only
        raise OSError(str(error)) from error
