"""Pages that get no picture although one of their name is there: it is an earlier label's, or another folder's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from ocr_pipeline.errors import PipelineError

Reason = Literal["duplicate_label", "image_missing"]


class RefusedPage(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One page of a merged JSON that is set aside.

    Attributes:
        label, image: of the page.
        number: which of the pages with this label and image it is, from 0: a page may stand twice in one document.
        reason: ``duplicate_label`` where an earlier label has the same words on the same picture, ``image_missing``
            where the picture lies with another label of its name.
    """

    label: str
    image: str
    number: int = 0
    reason: Reason = "duplicate_label"


Refused = Mapping[tuple[str, str], Mapping[int, Reason]]
"""(label, image) -> number of the page -> why it is refused."""


def write_refused(path: Path, pages: Iterable[RefusedPage]) -> None:
    """Write them as a JSON list."""
    path.write_bytes(msgspec.json.encode(list(pages)))


def read_refused(path: Path) -> Refused:
    """The published ones; a lookup that came without them knows none.

    Raises:
        PipelineError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        pages = msgspec.json.decode(path.read_bytes(), type=list[RefusedPage])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the list of refused pages cannot be read ({error})",
            where=path,
            remedy="Run `ocr-pipeline lookup --rebuild`, or materialise lookup with `rebuild`.",
        ) from error
    refused: dict[tuple[str, str], dict[int, Reason]] = {}
    for page in pages:
        refused.setdefault((page.label, page.image), {})[page.number] = page.reason
    return refused
