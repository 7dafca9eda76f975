"""Which of a training's checkpoints stay, and from which it goes on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


class Checkpoints:
    """The numbered checkpoints of a training, files or folders; the last written is the newest.

    Time decides before the number: the folder may hold those of an earlier, longer training.

    Args:
        name: pattern of a checkpoint's whole name, with its number as the only group.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, re.compile(name)

    def oldest_first(self) -> list[Path]:
        """All that are there."""
        paths = self._folder.iterdir() if self._folder.is_dir() else ()
        found = [(match, path) for path in paths if (match := self._name.fullmatch(path.name))]
        dated = [(path.stat().st_mtime_ns, int(match[1]), path) for match, path in found]
        return [path for *_, path in sorted(dated)]

    def newest(self) -> Path | None:
        """The one to go on from, if there is any."""
        return next(reversed(self.oldest_first()), None)

    def keep(self, count: int | None, spare: Path | None = None) -> None:
        """Delete all but the ``count`` newest (None: none; 0: the newest stays) and ``spare``."""
        if count is None:
            return
        for path in self.oldest_first()[: -max(count, 1)]:
            if path == spare:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
