"""Champions without a training: the weights that come with the package."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.models import FAST_KOREAN, place_of
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.workspace import Workspace


def use_shipped_weights(workspace: Workspace) -> None:
    """Put both into use, as the champions of an output folder."""
    for contest, weights in ((DETECTOR, FAST_KOREAN), (RECOGNIZER, Path(place_of("korean_words")))):
        candidate = contest.candidate(workspace)
        candidate.parent.mkdir(parents=True, exist_ok=True)
        with publication(
            candidate, stage=contest.name, partition="", code_version="1", settings={}, inputs=[], has_quarantine=False
        ) as made:
            made.copy(weights)
            made.fingerprint = contest.name
        contest.promote(workspace, "shipped")
