"""The code location as the main process of a container: it ends what its predecessor left, and stops without loss.

    python -m ocr_pipeline.orchestration.upkeep.code_server --host 0.0.0.0 --port 4000

At SIGTERM Dagster's code server waits for its runs to end by themselves, while the engine counts down to the kill. Here
the runs are asked to stop as well, so trainings save. To Dagster such a run was interrupted: the daemon launches it
again (``run_retries``), and it goes on from what was saved.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ocr_pipeline.devices.keeper import adopt_orphans
from ocr_pipeline.orchestration.upkeep import reaper

logger = logging.getLogger(__name__)

CODE_LOCATION = "ocr_pipeline.definitions"
_ASK_EVERY = 0.5


def serve(options: Sequence[str], module: str = CODE_LOCATION) -> int:
    """Serve a code location until SIGTERM; returns the exit code of the server, when all steps of its runs are over.

    To be called in the main thread. A run ends as soon as it has told its steps to stop, which are orphans then; how
    long they may take to save is up to their executor.

    Args:
        options: of ``dagster code-server start``.
        module: where the definitions are.
    """
    adopt_orphans()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stopping.set())
    server = subprocess.Popen([sys.executable, "-m", "dagster", "code-server", "start", "-m", module, *options])
    told: set[int] = set()
    while server.poll() is None:
        time.sleep(_ASK_EVERY)
        if stopping.is_set():
            for pid in {server.pid, *_run_workers(server.pid)} - told:
                logger.info("asking process %d to stop", pid)
                _terminate(pid)
                told.add(pid)
    if stopping.is_set():
        _wait_for_children()
    return server.returncode


def _run_workers(server: int) -> set[int]:
    """The processes of runs: children of the servers of code, one per reload, that the code server keeps.

    There is one more child that multiprocessing keeps for its own use; it ignores SIGTERM.
    """
    parents = dict(_parents())
    servers = {pid for pid, parent in parents.items() if parent == server}
    return {pid for pid, parent in parents.items() if parent in servers}


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            yield int(folder.name), int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def _wait_for_children() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _terminate(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def main() -> None:
    """Serve the pipeline's code location; all options are those of ``dagster code-server start``."""
    sys.exit(reaper.main() or serve(sys.argv[1:]))


if __name__ == "__main__":
    main()
