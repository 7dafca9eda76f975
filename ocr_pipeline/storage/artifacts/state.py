"""Whether an artifact is complete, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from ocr_pipeline.storage.artifacts.manifest import (
    DamagedManifestError,
    Manifest,
    known_manifest,
    manifest_path,
    read_manifest,
)
from ocr_pipeline.storage.files.fingerprints import fingerprint_files


class State(NamedTuple):
    """How an artifact stands.

    ``empty``: made, and nothing came in; ``incomplete``: files without a manifest, as a kill leaves them; ``damaged``:
    the manifest cannot be read, or the files are not as they were published.
    """

    name: Literal["complete", "empty", "stale", "incomplete", "damaged", "missing"]
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.why})" if self.why else self.name

    @property
    def is_current(self) -> bool:
        return self.name in ("complete", "empty")


class ArtifactState(NamedTuple):
    """What is known of one artifact of a stage."""

    stage: str
    artifact: Path
    manifest: Manifest | None
    state: State

    def verified(self) -> ArtifactState:
        """The same after a look at every byte: ``damaged`` where a file is not as it was published.

        Older manifests do not say how the files were.
        """
        manifest = read_manifest(self.artifact) if self.manifest else None
        if manifest is None:
            return self
        found = fingerprint_files([Path(f"{self.artifact}{name}") for name in manifest.files], self.artifact)
        names = (name for name, fingerprint in manifest.files.items() if found.get(name) != fingerprint)
        differing = [f"{self.artifact.name}{name}" for name in names]
        return self._replace(state=State("damaged", f"{', '.join(differing)} differ")) if differing else self


class Making(NamedTuple):
    """How an artifact would be made now, as far as that is known.

    Attributes:
        inputs: fingerprints of its inputs, by name.
        code_version: of its stage; empty where it does not matter.
        settings: those of its settings that can be told without making it.
    """

    inputs: Mapping[str, str] = {}
    code_version: str = ""
    settings: Mapping[str, object] = {}

    def changes(self, manifest: Manifest) -> list[str]:
        """What would be other than it was for what is published; finished work that was taken over stands longer."""
        inputs = [
            item.name for item in manifest.inputs if self.inputs.get(item.name, item.fingerprint) != item.fingerprint
        ]
        if manifest.adopted:
            return inputs
        code = ["code"] if self.code_version not in ("", manifest.code_version) else []
        settings = sorted(name for name, value in self.settings.items() if manifest.settings.get(name) != value)
        return inputs + code + ([f"settings {', '.join(settings)}"] if settings else [])


def find_state(stage: str, artifact: Path, now: Making) -> ArtifactState:
    """What is known of an artifact.

    Args:
        now: how it would be made.
    """
    try:
        manifest = known_manifest(artifact)
    except DamagedManifestError as error:
        return ArtifactState(stage, artifact, None, State("damaged", error.what))
    if manifest:
        return ArtifactState(stage, artifact, manifest, state_of(manifest, now))
    state = State("incomplete", f"no {manifest_path(artifact).name}") if artifact.exists() else State("missing")
    return ArtifactState(stage, artifact, None, state)


def state_of(manifest: Manifest, now: Making) -> State:
    """The state of what is published."""
    if changed := now.changes(manifest):
        return State("stale", f"{', '.join(changed)} changed")
    return State("complete" if manifest.counts.pages_in or manifest.counts.words_in else "empty")


def fingerprints(artifacts: Mapping[str, Path]) -> dict[str, str]:
    """The published fingerprint of each, empty where nothing is published, or nothing that can be read."""
    return {name: _fingerprint(path) for name, path in artifacts.items()}


def _fingerprint(artifact: Path) -> str:
    try:
        manifest = known_manifest(artifact)
    except DamagedManifestError:
        return ""
    return manifest.fingerprint if manifest else ""
