"""One process at a time: partitions run side by side, and some files of theirs are shared."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.devices.locks import open_lock, take
from ocr_pipeline.errors import PipelineError


@contextlib.contextmanager
def sole_worker(folder: Path) -> Iterator[None]:
    """Be the only process that works in a folder, for as long as it is entered or this process lives.

    Raises:
        PipelineError: another one works there.
    """
    path = folder / ".lock"
    with os.fdopen(open_lock(path), "a+", encoding="utf-8") as file:
        if not take(file.fileno(), path):
            file.seek(0)
            raise PipelineError(
                f"another process ({file.read().strip() or 'of another machine'}) works in this folder",
                where=folder,
                remedy="Wait until it has ended, or name another folder.",
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextlib.contextmanager
def file_lock(target: Path) -> Iterator[None]:
    """Wait until no other process makes ``target``; the lock goes with the process that holds it."""
    path = target.with_name(f".{target.name}.lock")
    with os.fdopen(open_lock(path), "a+", encoding="utf-8") as file:
        take(file.fileno(), path, waits=True)
        yield
