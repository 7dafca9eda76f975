"""Labels that name a picture which an earlier label names already: copies of folders, archives beside their content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.publishing import publish_file

SecondLabel = tuple[str, str]
"""Label and image of a page."""


def write_second_labels(target: Path, labels: Iterable[SecondLabel]) -> None:
    """Publish them as a JSON list."""
    with publish_file(target) as draft:
        draft.write_bytes(msgspec.json.encode(list(labels)))


def read_second_labels(path: Path) -> frozenset[SecondLabel]:
    """The published ones; a lookup that came without them knows none.

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists():
        return frozenset()
    try:
        return frozenset(msgspec.json.decode(path.read_bytes(), type=list[SecondLabel]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the list of second labels cannot be read ({error})",
            where=path,
            remedy="Delete the file and the lookup's manifest, and materialise lookup again.",
        ) from error
