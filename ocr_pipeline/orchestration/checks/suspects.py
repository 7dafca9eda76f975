"""How many labels may probably be wrong before somebody should look."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.orchestration.assets.suspects import label_suspects
from ocr_pipeline.orchestration.checks.step import WARN, Finding, PartitionCheck, check_step
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.manifest import Manifest, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace


@dataclass(frozen=True)
class SuspectLimit(Settings):
    """How many labels may be wrong before somebody should look."""

    share: Annotated[
        float,
        Setting(
            "Of the words that may be labelled wrong, by what is to be expected.",
            env="OCR_PIPELINE_SUSPECT_LIMIT",
            least=0,
            most=1,
        ),
    ] = 0.02

    def check(self, manifest: Manifest | None) -> Finding:
        """Whether so few labels seem to be wrong."""
        share = manifest.metrics.get("share_expected", 0.0) if manifest else 0.0
        return Finding(share <= self.share, {"limit": self.share, "share_expected": share}, WARN)


def _few(workspace: Workspace, partition: SourcePartition) -> Finding:
    return SuspectLimit.from_environment(os.environ).check(read_manifest(workspace.suspects(partition.key)))


SUSPECT_CHECKS = check_step(
    label_suspects,
    [
        PartitionCheck(
            "few_suspects",
            "At most 2 % of the labels are probably wrong (OCR_PIPELINE_SUSPECT_LIMIT).",
            _few,
        )
    ],
)
