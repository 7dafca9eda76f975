"""Publishing what a training gave: the best checkpoint under one name, with the manifest of all it learned from."""

import dataclasses
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of


@dataclasses.dataclass(frozen=True)
class TrainedCheckpoint:
    """What one training publishes, as its manifest will tell it.

    Attributes:
        stage: the asset's name; target: where the checkpoint is published.
        settings: all that decides the weights, as plain values without paths of this machine.
    """

    stage: str
    target: Path
    code_version: str
    settings: dict[str, Any]
    recipe: Recipe

    @property
    def key(self) -> str:
        """Names the training's own folder: the same data and settings go on where they stopped, others start anew."""
        inputs = [f"{item.name} {item.fingerprint}" for item in self.recipe.inputs]
        return fingerprint_of([self.code_version, repr(sorted(self.settings.items())), *inputs])

    def publication(self) -> AbstractContextManager[Publication]:
        """The block in which it is trained and published, unless the published checkpoint is of this very training."""
        return publication(
            self.target,
            stage=self.stage,
            partition=", ".join(path.name for path in self.recipe.train),
            code_version=self.code_version,
            settings=self.settings,
            inputs=self.recipe.inputs,
            has_quarantine=False,
        )

    def publish(
        self, made: Publication, checkpoint: Path, metrics: dict[str, float], learnt: Path | None = None
    ) -> None:
        """Copy the checkpoint (a file or a folder) to the target, and beside it what it learnt from (`note_learnt`)."""
        made.copy(checkpoint)
        if learnt:
            made.copy_lineage(learnt)
        made.counts, made.metrics = self.recipe.counts, metrics
        made.fingerprint = fingerprint_of(fingerprint_file(path) for path in _files(self.target))


def _files(artifact: Path) -> list[Path]:
    return sorted(path for path in artifact.rglob("*") if path.is_file()) if artifact.is_dir() else [artifact]
