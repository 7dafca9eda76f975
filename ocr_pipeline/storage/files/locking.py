"""One process at a time: partitions run side by side, and some files of theirs are shared."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ocr_pipeline.errors import PipelineError


def open_lock(path: Path) -> IO[str]:
    """A small file to hold a lock on, to read and to write at its end; made if it is not there, never through a link.

    Raises:
        OSError: the folder cannot be written to.
        PipelineError: a link stands there: what it leads to might be anybody's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise PipelineError(
            "a link stands where a lock belongs", where=path, remedy="Remove the link, then run it again."
        ) from error
    return os.fdopen(lock, "a+", encoding="utf-8")


@contextlib.contextmanager
def file_lock(target: Path) -> Iterator[None]:
    """Wait until no other process makes ``target``; the lock goes with the process that holds it."""
    with open_lock(target.with_name(f".{target.name}.lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
