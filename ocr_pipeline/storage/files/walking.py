"""The files of a folder, told by their endings; what is passed over is counted in the log, never lost in silence."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ocr_pipeline.errors import PipelineError

logger = logging.getLogger(__name__)


@dataclass
class Walk:
    """One walk through a folder.

    Attributes:
        files: those looked for, sorted by path.
        others: how many other files there are, by ending; hidden ones are not counted.
        links: folders that are links, which may lead round in a circle.
        closed: folders whose files are none of those looked for.
    """

    files: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    links: list[Path] = field(default_factory=list)
    closed: list[Path] = field(default_factory=list)

    def tell(self, folder: Path) -> None:
        """Say in the log what was passed over, and why."""
        kinds = ", ".join(f"{ending}: {number}" for ending, number in sorted(self.others.items()))
        for what, why, passed_over in (
            (f"{self.others.total()} files", "of other kinds", kinds),
            (f"{len(self.links)} folders", "links", ", ".join(map(str, self.links))),
            (f"{len(self.closed)} folders", "made by an earlier run", ", ".join(map(str, self.closed))),
        ):
            if passed_over:
                logger.warning("%s: %s are passed over, they are %s (%s)", folder, what, why, passed_over)


def walk(
    folder: Path, endings: Collection[str], *, deep: bool = True, is_closed: Callable[[Path], bool] = lambda _: False
) -> Walk:
    """Look through a folder; what is hidden, files and folders alike, is left alone.

    Args:
        endings: in lower case; the case of names does not matter.
        deep: look through the folders below it too.
        is_closed: whether a folder below it is to be passed over.

    Raises:
        PipelineError: a folder cannot be looked into.
    """
    found = Walk()
    for where, folders, names in os.walk(folder, onerror=_refuse):
        for path in _shown(where, names):
            if path.suffix.lower() in endings and (path.is_file() or path.is_symlink()):
                found.files.append(path)  # of a link that leads nowhere whoever opens it tells
            else:
                found.others[path.suffix.lower() or "without ending"] += 1
        below = list(_shown(where, folders)) if deep else []
        found.links += (path for path in below if path.is_symlink())
        found.closed += (path for path in below if is_closed(path))
        folders[:] = [path.name for path in below if path not in found.closed]
    found.files.sort()
    return found


def state_of(path: Path) -> bytes:
    """Path, size and time of a file for a fingerprint; of what is not there, as behind a dead link, the path alone."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return os.fsencode(path)
    return os.fsencode(f"{path}|{stat.st_size}|{stat.st_mtime_ns}")


def _shown(where: str, names: list[str]) -> Iterator[Path]:
    return (Path(where, name) for name in sorted(names) if not name.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    """A folder that may not be entered is no empty one."""
    raise PipelineError(
        f"the folder cannot be looked into ({error.strerror})",
        where=error.filename,
        remedy="Change its permissions, or name the folders beside it.",
    ) from error
