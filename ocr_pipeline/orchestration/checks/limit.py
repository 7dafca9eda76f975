"""How much may be set aside before somebody should look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import dagster as dg

from ocr_pipeline.orchestration.checks.step import Finding
from ocr_pipeline.orchestration.metadata import markdown_table
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.quarantine import Counts


@dataclass(frozen=True)
class QuarantineLimit(Settings):
    """The limit and what going beyond it means."""

    share: Annotated[
        float,
        Setting(
            "Of the pages, and of the words, that may be set aside.",
            env="OCR_PIPELINE_QUARANTINE_LIMIT",
            least=0,
            most=1,
        ),
    ] = 0.05
    severity: Annotated[
        Literal["warn", "error"],
        Setting(
            "A warning, or an error that also holds back what would be built on the artifact in the same run.",
            env="OCR_PIPELINE_QUARANTINE_SEVERITY",
        ),
    ] = "warn"

    def check(self, counts: Counts) -> Finding:
        """Whether so many pages and words may be set aside; the reasons are in the metadata."""
        pages = counts.pages_quarantined / max(counts.pages_in, 1)
        words = counts.words_quarantined / max(counts.words_in, 1)
        found = {
            "limit": self.share,
            "pages_share": pages,
            "words_share": words,
            "reasons": _reasons(counts),
        }
        return Finding(max(pages, words) <= self.share, found, dg.AssetCheckSeverity[self.severity.upper()])


def _reasons(counts: Counts) -> dg.MetadataValue:
    total = {"page": max(counts.pages_in, 1), "word": max(counts.words_in, 1)}
    rows = [
        (unit, reason, f"{count:,}", f"{count / total[unit]:.2%}")
        for unit, by_reason in counts.reasons.items()
        for reason, count in sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    ]
    return markdown_table(("unit", "reason", "count", "share"), rows)
