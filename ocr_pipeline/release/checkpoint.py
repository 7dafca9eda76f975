"""Publishing what a training gave: the best checkpoint under one name, with the manifest of all it learned from."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.manifest import Manifest, read_manifest, write_manifest
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.files.publishing import publish_file, publish_folder


@dataclasses.dataclass(frozen=True)
class Training:
    """One training as its manifest will tell it.

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

    def published(self) -> Manifest | None:
        """The manifest of the published checkpoint, if it is of this very training."""
        manifest = read_manifest(self.target)
        if manifest and manifest.made_from(self.code_version, self.settings, self.recipe.inputs):
            return manifest
        return None

    def publish(self, checkpoint: Path, metrics: dict[str, float]) -> Manifest:
        """Copy the checkpoint (a file or a folder) to the target, and its manifest after it."""
        if checkpoint.is_dir():
            with publish_folder(self.target) as draft:
                shutil.copytree(checkpoint, draft, dirs_exist_ok=True)
        else:
            with publish_file(self.target) as draft:
                shutil.copyfile(checkpoint, draft)
        manifest = Manifest(
            stage=self.stage,
            partition=", ".join(path.name for path in self.recipe.train),
            code_version=self.code_version,
            settings=self.settings,
            inputs=self.recipe.inputs,
            fingerprint=fingerprint_of(fingerprint_file(path) for path in _files(self.target)),
            counts=self.recipe.counts,
            metrics=metrics,
        )
        write_manifest(self.target, manifest)
        return manifest


def _files(artifact: Path) -> list[Path]:
    return sorted(path for path in artifact.rglob("*") if path.is_file()) if artifact.is_dir() else [artifact]
