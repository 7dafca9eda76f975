"""Whether an artifact is complete, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from ocr_pipeline.storage.artifacts.manifest import Manifest, known_manifest, manifest_path


class State(NamedTuple):
    """``empty``: made, and nothing came in; ``incomplete``: files without a manifest, as a kill leaves them."""

    name: Literal["complete", "empty", "stale", "incomplete", "missing"]
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


def find_state(stage: str, artifact: Path, inputs: Mapping[str, str]) -> ArtifactState:
    """What is known of an artifact.

    Args:
        inputs: fingerprints of its inputs as they are now, by name, as far as they are known.

    Raises:
        PipelineError: its manifest cannot be read.
    """
    manifest = known_manifest(artifact)
    if manifest:
        return ArtifactState(stage, artifact, manifest, state_of(manifest, inputs))
    state = State("incomplete", f"no {manifest_path(artifact).name}") if artifact.exists() else State("missing")
    return ArtifactState(stage, artifact, None, state)


def state_of(manifest: Manifest, inputs: Mapping[str, str]) -> State:
    """The state of what is published."""
    changed = [item.name for item in manifest.inputs if inputs.get(item.name, item.fingerprint) != item.fingerprint]
    if changed:
        return State("stale", f"{', '.join(changed)} changed")
    return State("complete" if manifest.counts.pages_in or manifest.counts.words_in else "empty")


def fingerprints(artifacts: Mapping[str, Path]) -> dict[str, str]:
    """The published fingerprint of each, empty where nothing is published."""
    found = {name: known_manifest(path) for name, path in artifacts.items()}
    return {name: manifest.fingerprint if manifest else "" for name, manifest in found.items()}
