"""Pages that must go: marked in the overlay of their partition, so that what is made of its labels is without them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ocr_pipeline.data.corrections.applying import in_force
from ocr_pipeline.data.corrections.overlay import read_overlay, write_overlay
from ocr_pipeline.data.corrections.record import WHOLE_PAGE, Correction
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace

Source = tuple[str, str]
"""Label file and picture of a page."""


def mark_forgotten(
    workspace: Workspace, partition: str, pages: Iterable[Source], who: str, why: str, now: datetime
) -> int:
    """Mark pages of a partition; what people said of their words goes, for it holds what stands on them.

    Returns:
        how many were not marked before.

    Raises:
        PipelineError: the overlay is damaged, or cannot be written.
    """
    path = workspace.corrections(partition)
    with lease(lease_path(workspace, "corrections", partition), f"forget, {partition}"):
        rows = read_overlay(path)
        new = set(pages) - {(row.label, row.image) for row in _marks(rows)}
        kept = [row for row in rows if (row.label, row.image) not in new or row.action == "forget"]
        if new:
            write_overlay(path, [*kept, *(_mark(page, who, why, now) for page in new)])
    return len(new)


def forgotten(workspace: Workspace, partition: str) -> list[Correction]:
    """The marks of a partition that hold.

    Raises:
        PipelineError: the overlay is damaged.
    """
    return _marks(read_overlay(workspace.corrections(partition)))


def _marks(rows: Iterable[Correction]) -> list[Correction]:
    return [row for row in in_force(rows) if row.action == "forget"]


def _mark(page: Source, who: str, why: str, now: datetime) -> Correction:
    label, image = page
    review = f"forget {now:%Y-%m-%dT%H:%M:%SZ} {image}"
    return Correction(
        label=label,
        image=image,
        word=WHOLE_PAGE,
        action="forget",
        before="",
        who=who,
        note=why,
        when=now,
        review=review,
    )
