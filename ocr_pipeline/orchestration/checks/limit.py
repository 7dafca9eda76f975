"""How much may be set aside before somebody should look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.checks.step import Finding
from ocr_pipeline.storage.artifacts.quarantine import Counts

LIMIT_VARIABLE = "OCR_PIPELINE_QUARANTINE_LIMIT"
SEVERITY_VARIABLE = "OCR_PIPELINE_QUARANTINE_SEVERITY"
DEFAULT_LIMIT = "5%"


@dataclass(frozen=True)
class QuarantineLimit:
    """The limit and what going beyond it means.

    Attributes:
        share: of the pages, and of the words, that may be set aside; 0 to 1.
        severity: a warning, or an error that also holds back what would be built on the artifact in the same run.
    """

    share: float
    severity: dg.AssetCheckSeverity

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> QuarantineLimit:
        """OCR_PIPELINE_QUARANTINE_LIMIT (``5%`` or ``0.05``) and OCR_PIPELINE_QUARANTINE_SEVERITY (warn or error).

        Raises:
            PipelineError: a value is none of those.
        """
        limit = environment.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
        if not re.fullmatch(r"\d+(\.\d+)?%?", limit):
            raise PipelineError(f"{limit!r} is no share", where=LIMIT_VARIABLE, remedy="Set it to 5% or 0.05.")
        share = float(limit.rstrip("%")) / (100 if limit.endswith("%") else 1)
        if share > 1:
            raise PipelineError(f"{limit!r} is more than all", where=LIMIT_VARIABLE, remedy="Set it to 5% or 0.05.")
        severity = (environment.get(SEVERITY_VARIABLE) or "warn").upper()
        if severity not in dg.AssetCheckSeverity.__members__:
            raise PipelineError(f"{severity!r} is no severity", where=SEVERITY_VARIABLE, remedy="Set warn or error.")
        return cls(share, dg.AssetCheckSeverity[severity])

    def check(self, counts: Counts) -> Finding:
        """Whether so many pages and words may be set aside; the reasons are in the metadata."""
        pages = counts.pages_quarantined / max(counts.pages_in, 1)
        words = counts.words_quarantined / max(counts.words_in, 1)
        found = {
            "limit": self.share,
            "pages_share": pages,
            "words_share": words,
            "reasons": dg.MetadataValue.md(_reasons(counts)),
        }
        return Finding(max(pages, words) <= self.share, found, self.severity)


def _reasons(counts: Counts) -> str:
    total = {"page": max(counts.pages_in, 1), "word": max(counts.words_in, 1)}
    rows = [
        f"| {unit} | {reason} | {count:,} | {count / total[unit]:.2%} |"
        for unit, by_reason in counts.reasons.items()
        for reason, count in sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join(["| unit | reason | count | share |", "|---|---|---|---|", *rows])
