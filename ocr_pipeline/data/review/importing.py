"""A sitting taken over into the corrections of its partition: whole or not at all, and as often as one likes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from ocr_pipeline.data.corrections import NEVER, Correction, in_force, read_overlay, write_overlay
from ocr_pipeline.data.review.sitting import Sitting
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace


class Imported(NamedTuple):
    """What became of a sitting: ``said`` is the sum of new, known, taken up and unmatched.

    Attributes:
        taken_up: had been undone, and hold again.
        before, after: how many corrections of the partition hold.
    """

    partition: str
    said: int
    new: int
    known: int
    taken_up: int
    unmatched: list[str]
    before: int
    after: int


def import_review(workspace: Workspace, sitting: Sitting) -> Imported:
    """Add what was said to the overlay; what stands there already is not doubled.

    Of a page that is to be forgotten nothing is taken over: it would hold what stands on it.

    Raises:
        PipelineError: the overlay is damaged or cannot be written.
    """
    path = workspace.corrections(sitting.partition)
    with lease(lease_path(workspace, "corrections", sitting.partition), f"review import, {sitting.partition}"):
        rows = {row.said: row for row in read_overlay(path)}
        sitting = _without_forgotten(sitting, rows.values())
        before, taken_up = len(in_force(rows.values())), 0
        new = {row.said: row for row in sitting.corrections if row.said not in rows}
        for row in sitting.corrections:
            known = rows.get(row.said, row)
            taken_up += known.undone != NEVER
            rows[row.said] = _held(known)
        if new or taken_up:
            write_overlay(path, rows.values())
    said, known_ones = len(sitting.corrections), len(sitting.corrections) - len(new) - taken_up
    told = (said + len(sitting.unmatched), len(new), known_ones, taken_up, sitting.unmatched)
    return Imported(sitting.partition, *told, before, len(in_force(rows.values())))


def _without_forgotten(sitting: Sitting, rows: Iterable[Correction]) -> Sitting:
    gone = {(row.label, row.image) for row in in_force(rows) if row.action == "forget"}
    kept = [row for row in sitting.corrections if (row.label, row.image) not in gone]
    lost = [row for row in sitting.corrections if (row.label, row.image) in gone]
    told = [f"{row.image} word {row.word}: the page is to be forgotten (`ocr-pipeline forget`)" for row in lost]
    return sitting._replace(corrections=kept, unmatched=[*sitting.unmatched, *told])


def _held(row: Correction) -> Correction:
    return replace(row, undone=NEVER)
