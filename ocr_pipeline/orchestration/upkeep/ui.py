"""``make ui``: one daemon for a Dagster home, and nothing left of a UI that was killed.

    python -m ocr_pipeline.orchestration.upkeep.ui [options of dagster dev]

A killed ``dagster dev`` leaves its daemon, web server and code servers behind; a second daemon on the same home would
launch everything twice. What is left so is ended first. Workers of runs are no part of it: they bring their runs to
their ends, and what of them is dead the reaper ends.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from ocr_pipeline.orchestration.upkeep import reaper

logger = logging.getLogger(__name__)

_SERVICES = ("dagster._daemon", "dagster-daemon", "dagster_webserver", "dagster-webserver", "code-server", "grpc")
_OF_DEV = "DAGSTER_IS_DEV_CLI"
_SECONDS_TO_DIE = 10.0
_UNHELPFUL = "ignore:Function `dev_command` is superseded"
"""Dagster proposes `dg dev`, a program that is not needed here."""


def main(options: list[str]) -> int:
    """Become ``dagster dev``; 1 where a daemon of this home runs already."""
    reaper.log_plainly()
    home = Path(os.environ["DAGSTER_HOME"])
    if running := [process for process in services(home) if not is_left_over(process)]:
        told = ", ".join(f"{process.pid} ({' '.join(process.cmdline()[1:4])})" for process in running)
        logger.error("Dagster runs on %s already: process %s. Use that UI, or stop it first.", home, told)
        return 1
    end_left_over(home)
    if code := reaper.main():
        return code
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _UNHELPFUL)))
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", *options])


def services(home: Path) -> Iterator[psutil.Process]:
    """The processes of Dagster on this machine that serve a home: ``dagster dev`` and what it starts, or their like."""
    for process in psutil.process_iter():
        try:
            if _serves(process.cmdline()) and _home_of(process) == home.resolve():
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it has ended since, or is another user's


def is_left_over(process: psutil.Process) -> bool:
    """Whether a ``dagster dev`` started it that is there no more."""
    try:
        line = [process, *process.parents()]
        return _OF_DEV in process.environ() and not any(_is_dev(each.cmdline()) for each in line)
    except psutil.NoSuchProcess:
        return True


def end_left_over(home: Path) -> list[int]:
    """End what a killed ``dagster dev`` left of a home; returns the ids of those processes."""
    found = [process for process in services(home) if is_left_over(process)]
    for process in found:
        logger.info("ending process %d, left by a UI that was killed", process.pid)
        process.kill()  # asked to stop, a code server would wait for its runs
    psutil.wait_procs(found, timeout=_SECONDS_TO_DIE)
    return [process.pid for process in found]


def _serves(command: list[str]) -> bool:
    return _is_dev(command) or any(word in _SERVICES for word in map(_name, command[:5]))


def _is_dev(command: list[str]) -> bool:
    words = [_name(word) for word in command[:4]]
    return "dagster" in words and "dev" in words


def _name(word: str) -> str:
    """Of a program its name, whatever folder it lies in."""
    return word.rpartition("/")[2]


def _home_of(process: psutil.Process) -> Path | None:
    home = process.environ().get("DAGSTER_HOME")
    return Path(home).resolve() if home else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
