"""One maker at a time for each artifact: a lease that the kernel takes back when its process dies, however it dies.

Steps of Dagster and commands of the command line take the same leases, so they meet each other too. A lease is an
exclusive ``flock`` on a small file below ``.leases`` of the output folder. Its text says who holds it, for people;
whether it is held only the kernel knows. It serves all processes of one machine; on a network file system it serves as
far as that file system carries ``flock`` to the others. Where a depot keeps the artifacts, it keeps leases too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from ocr_pipeline.devices.locks import open_lock, take
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.depot_lease import depot_lease
from ocr_pipeline.storage.artifacts.workspace import Workspace

logger = logging.getLogger(__name__)

ASK_EVERY = 0.5
_REMIND_EVERY = 300.0


def lease_path(workspace: Workspace, asset: str, partition: str | None) -> Path:
    return workspace.root / ".leases" / f"{asset}.{partition or 'all'}.lock"


@contextlib.contextmanager
def lease(path: Path, owner: str) -> Iterator[None]:
    """Hold the lease while the block runs; whoever comes second waits, saying for whom.

    Args:
        owner: who asks, as people will read it (``run 1f0c, layout_lmdb handwriting_train``).

    Raises:
        PipelineError: the folder cannot be written to, a link stands in the place of the lease, or the file system has
            no locks.
    """
    with os.fdopen(open_lock(path), "a+", encoding="utf-8") as file:
        _wait(file, path)
        _write_owner(file, owner)
        try:
            with _among_machines(path, owner):
                yield
        finally:
            file.truncate(0)  # closing the file gives the lease back


def holder(path: Path) -> str:
    """Who holds the lease, or held it when it was killed; empty if it was given back."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() and not path.is_symlink() else ""


def is_held(path: Path) -> bool:
    """Whether somebody on this machine holds the lease now."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open(encoding="utf-8") as file:
        return not take(file.fileno(), path)


def _among_machines(path: Path, owner: str) -> AbstractContextManager[None]:
    depot = depot_of(path)
    return depot_lease(depot, path, f"{owner} on {socket.gethostname()}") if depot else contextlib.nullcontext()


def _wait(file: IO[str], path: Path) -> None:
    say_at = 0.0
    while not take(file.fileno(), path):
        if time.monotonic() >= say_at:
            logger.info("%s is being made by %s; waiting for it", path.stem, holder(path) or "another run")
            say_at = time.monotonic() + _REMIND_EVERY
        time.sleep(ASK_EVERY)


def _write_owner(file: IO[str], owner: str) -> None:
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    file.truncate(0)
    file.write(json.dumps({"owner": owner, "pid": os.getpid(), "host": socket.gethostname(), "since": since}) + "\n")
    file.flush()
