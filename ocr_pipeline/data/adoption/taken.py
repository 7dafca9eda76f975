"""What taking over one file has given, before its manifest is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from ocr_pipeline.storage.artifacts.quarantine import Counts, Quarantined


@dataclass(frozen=True)
class Taken:
    """One artifact that stands in the workspace.

    Attributes:
        stage, code_version: of the stage that makes such artifacts.
        fingerprint: of its content.
    """

    stage: str
    code_version: str
    fingerprint: str
    counts: Counts
    quarantined: list[Quarantined] = field(default_factory=list)
