"""One process at a time: partitions run side by side, and some files of theirs are shared."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def file_lock(target: Path) -> Iterator[None]:
    """Wait until no other process makes ``target``; the lock goes with the process that holds it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
