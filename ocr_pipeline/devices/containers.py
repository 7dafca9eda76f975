"""What a container, a service manager or a batch system lets this process have: control groups of Linux, v1 and v2.

A limit may stand at any depth above the process (Slurm, systemd, Docker, Kubernetes each nest their own), so every
group from its own up to the root is asked, and the least counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_FOREVER = 1 << 60  # bytes; v1 writes "no limit" as a number beyond this


class Mount(NamedTuple):
    """Where control groups are to be seen: the one that this mount shows as its root, and the v1 controllers in it."""

    point: Path
    root: str
    controllers: frozenset[str]


def memory_limit(proc: Path = Path("/proc/self")) -> float:
    """Bytes that this process and its like may have; infinite without a limit."""
    files = {True: "memory.max", False: "memory.limit_in_bytes"}
    limits = (_number(group / files[is_v2]) for group, is_v2 in _groups(proc, "memory"))
    return min((limit for limit in limits if limit < _FOREVER), default=math.inf)


def cpu_limit(proc: Path = Path("/proc/self")) -> float:
    """Cores' worth of time that they may use; infinite without a quota."""
    return min((_quota(group, is_v2) for group, is_v2 in _groups(proc, "cpu")), default=math.inf)


def _quota(group: Path, is_v2: bool) -> float:
    if is_v2:
        quota, period = (*_words(group / "cpu.max"), "max", "100000")[:2]
    else:
        quota, period = (
            (*_words(group / "cpu.cfs_quota_us"), "-1")[0],
            (*_words(group / "cpu.cfs_period_us"), "100000")[0],
        )
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


def _groups(proc: Path, controller: str) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's groups, the innermost first, and whether they are of v2."""
    places = _places(proc)
    for mount in _mounts(proc):
        is_v2 = not mount.controllers
        if is_v2 or controller in mount.controllers:
            own = places.get("" if is_v2 else controller)
            for group in _upwards(own, mount) if own else ():
                yield group, is_v2


def _upwards(own: str, mount: Mount) -> Iterator[Path]:
    """A group and those above it, as far as they are to be seen here: a container sees its own as the root."""
    path = PurePosixPath(own)
    below = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
    yield mount.point / below
    yield from (mount.point / above for above in below.parents)


def _places(proc: Path) -> dict[str, str]:
    """Controller -> path of the group; v2 has one for all, under an empty name."""
    lines = (line.split(":", 2) for line in _lines(proc / "cgroup"))
    return {name: path for _, names, path in lines for name in names.split(",")}


def _mounts(proc: Path) -> Iterator[Mount]:
    for line in _lines(proc / "mountinfo"):
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        _, _, _, root, point, *_ = before.split(" ")
        if kind == "cgroup2":
            yield Mount(Path(point), root, frozenset())
        elif kind == "cgroup":
            yield Mount(Path(point), root, frozenset(options.split(" ")[-1].split(",")))


def _number(file: Path) -> float:
    (word, *_) = (*_words(file), "max")
    return math.inf if word == "max" else int(word)


def _words(file: Path) -> list[str]:
    return " ".join(_lines(file)).split()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:  # another system, or a group without this controller
        return []
