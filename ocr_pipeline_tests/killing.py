"""Run a stage in a process of its own and kill it -9 in the midst of the work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable


def run(script: str, *arguments: object) -> None:
    """Run a Python script to its end."""
    subprocess.run([sys.executable, "-c", script, *map(str, arguments)], check=True, timeout=120)


def kill_when(reached: Callable[[], bool], script: str, *arguments: object) -> bool:
    """Start the script and kill it, with its worker processes, once ``reached``; False if it ended before that."""
    process = subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], start_new_session=True)
    deadline = time.monotonic() + 120
    while process.poll() is None and not _is_so(reached):
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    ended = process.poll() is not None
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not ended


def _is_so(reached: Callable[[], bool]) -> bool:
    """What the script takes away while it is looked at has not been reached."""
    with contextlib.suppress(FileNotFoundError):
        return reached()
    return False
