"""Labels that say of a picture what an earlier label says: copied folders, archives beside what was in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ocr_pipeline.errors import PipelineError

LabelCopy = tuple[str, str]
"""Label and image of a page."""


def write_copies(path: Path, labels: Iterable[LabelCopy]) -> None:
    """Write them as a JSON list."""
    path.write_bytes(msgspec.json.encode(list(labels)))


def read_copies(path: Path) -> frozenset[LabelCopy]:
    """The published ones; a lookup that came without them knows none.

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists():
        return frozenset()
    try:
        return frozenset(msgspec.json.decode(path.read_bytes(), type=list[LabelCopy]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the list of copied labels cannot be read ({error})",
            where=path,
            remedy="Delete the file and the lookup's manifest, and materialise lookup again.",
        ) from error
