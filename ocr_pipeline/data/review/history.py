"""What was changed by whom, and taking a sitting back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import replace

from ocr_pipeline.data.corrections import NEVER, Correction, in_force, read_overlay, write_overlay
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace


class LogLine(NamedTuple):
    """One correction, and whether it ``holds``, is ``overruled`` by a later one of the same word, or ``undone``."""

    partition: str
    correction: Correction
    state: str


def review_log(workspace: Workspace, partitions: Iterable[str]) -> Iterator[LogLine]:
    """All corrections of some partitions, by time.

    Raises:
        PipelineError: an overlay is damaged.
    """
    for partition in partitions:
        rows = read_overlay(workspace.corrections(partition))
        last = {found[-1].said for found in _by_word(rows)}
        for row in sorted(rows, key=lambda row: (row.when, row.place)):
            state = "undone" if row.undone != NEVER else "holds" if row.said in last else "overruled"
            yield LogLine(partition, row, state)


def undo_review(workspace: Workspace, partitions: Iterable[str], review: str, now: datetime) -> dict[str, int]:
    """Take a sitting back: how many corrections of it held, by partition. What was overruled by it holds again.

    Raises:
        PipelineError: there is no such sitting, or an overlay is damaged.
    """
    undone, known = dict[str, int](), set[str]()
    for partition in partitions:
        path = workspace.corrections(partition)
        if not path.exists():
            continue
        with lease(lease_path(workspace, "corrections", partition), f"review undo, {partition}"):
            rows = read_overlay(path)
            known |= {row.review for row in rows}
            wanted = [row for row in rows if row.review == review and row.undone == NEVER]
            if wanted:
                taken = {row.said for row in wanted}
                write_overlay(path, (replace(row, undone=now) if row.said in taken else row for row in rows))
                undone[partition] = len(wanted)
    if review not in known:
        raise PipelineError(
            "there is no such review",
            where=review,
            remedy=f"Choose one of: {', '.join(sorted(known)) or 'none, nothing was imported yet'}.",
        )
    return undone


def _by_word(rows: Iterable[Correction]) -> Iterator[list[Correction]]:
    """The corrections that hold, word by word and text and corners apart, each in the order of time."""
    for _, found in groupby(in_force(rows), key=lambda row: row.place):
        said = list(found)
        yield from filter(
            None, ([row for row in said if (row.action == "quad") == of_quad] for of_quad in (False, True))
        )
