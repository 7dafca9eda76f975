"""A lease among machines that share nothing but a depot: an object with a heartbeat, which a dead process loses.

Objects are made and replaced under a condition (S3's ``If-None-Match`` and ``If-Match``), so of two that ask at once
one gets the lease. No clocks are compared: whoever waits takes over after `LOST_AFTER` seconds without a heartbeat.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import Depot

logger = logging.getLogger(__name__)

BEAT_EVERY = 15.0
LOST_AFTER = 90.0
ASK_EVERY = 5.0


@contextlib.contextmanager
def depot_lease(depot: Depot, path: Path, owner: str) -> Iterator[None]:
    """Hold the lease while the block runs; whoever comes second waits, saying for whom.

    Args:
        owner: who asks, as people will read it.

    Raises:
        PipelineError: the depot does not answer.
    """
    held = _Lease(depot, depot.key(path), owner)
    held.acquire()
    over = threading.Event()
    beating = threading.Thread(target=held.beat, args=(over,), name="lease", daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()
        held.give_back()


class _Lease:
    """One object of the depot, and what this process last wrote to it."""

    def __init__(self, depot: Depot, key: str, owner: str) -> None:
        self._depot, self._key, self._what = depot, key, Path(key).stem
        self._owner, self._id, self._beat = owner, uuid.uuid4().hex, 0
        self._written = ""

    def acquire(self) -> None:
        seen, since = None, time.monotonic()
        while not self._write(None):
            version, holder = self._ask(_look)
            if holder.get("id") == self._id:  # written at an attempt whose answer was lost
                self._written = version
                return
            if version != seen:
                if seen is None and holder:
                    logger.info("%s is being made by %s; waiting for it", self._what, holder["owner"])
                seen, since = version, time.monotonic()
            elif version and time.monotonic() - since > LOST_AFTER and self._write(version):
                logger.warning("%s: %s shows no sign of life and has lost its lease", self._what, holder["owner"])
                return
            time.sleep(ASK_EVERY)

    def beat(self, over: threading.Event) -> None:
        while not over.wait(BEAT_EVERY):
            self._beat += 1
            try:
                alive = self._write(self._written)
            except PipelineError as error:  # the depot may answer again before the lease is lost
                logger.warning("no heartbeat: %s", error)
                continue
            if not alive:
                logger.warning("%s: the lease is lost; another run may be making the same now", self._what)
                return

    def give_back(self) -> None:
        if self._ask(_look)[0] == self._written:
            self._ask(_remove)

    def _write(self, instead_of: str | None) -> bool:
        """Whether the object is written: a new one, or in the place of just the one that is named."""
        text = {"owner": self._owner, "id": self._id, "beat": self._beat}
        version = self._ask(partial(_put, json.dumps(text).encode(), instead_of))
        self._written = version or self._written
        return version is not None

    def _ask(self, request: Any) -> Any:
        return self._depot.write(lambda fs, base: request(fs, f"{base}/{self._key}"))


def _put(content: bytes, instead_of: str | None, fs: Any, url: str) -> str | None:
    condition = {"mode": "create"} if instead_of is None else {"IfMatch": instead_of}
    try:
        return fs.pipe_file(url, content, **condition)["ETag"]
    except FileExistsError:
        return None
    except FileNotFoundError:
        if instead_of is None:
            raise
        return None  # given back since
    except OSError as error:
        if error.errno != errno.EINVAL:  # what s3fs makes of a condition that does not hold
            raise
        return None


def _look(fs: Any, url: str) -> tuple[str, dict[str, Any]]:
    """Version and text of the lease as it is now; empty if there is none."""
    fs.invalidate_cache()
    try:
        version = fs.info(url)["ETag"]
        return version, json.loads(fs.cat_file(url))
    except FileNotFoundError:
        return "", {}


def _remove(fs: Any, url: str) -> None:
    fs.rm_file(url)
