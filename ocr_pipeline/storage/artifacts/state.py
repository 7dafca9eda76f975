"""Whether an artifact is complete, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import (
    DamagedManifestError,
    Manifest,
    contradictions,
    here_manifest,
    known_manifest,
    manifest_path,
    read_manifest,
    resized_files,
)
from ocr_pipeline.storage.artifacts.sums import differing_sums
from ocr_pipeline.storage.files.fingerprints import fingerprint_files

_SHOWN = 5  # names of files that differ


class State(NamedTuple):
    """How an artifact stands.

    ``empty``: made, and nothing came in; ``incomplete``: files without a manifest, as a kill leaves them; ``damaged``:
    the manifest cannot be read or contradicts itself, or the files are not as they were published.
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
        differing = _differing(self.artifact, manifest)
        return self._replace(state=State("damaged", f"{_named(differing)} differ")) if differing else self


def demand_as_published(artifacts: Iterable[Path]) -> None:
    """Read every byte of artifacts that are about to be relied on; one without a manifest is taken as it is.

    Raises:
        PipelineError: one is not as it was published.
    """
    for artifact in artifacts:
        manifest = here_manifest(artifact)
        if manifest and (differing := _differing(artifact, manifest)):
            raise PipelineError(
                f"it is not as it was published: {_named(differing)} differ",
                where=artifact,
                remedy="Copy it again; or delete its manifest and make it again, or take it as it is.",
            )


def differing_files(artifact: Path, manifest: Manifest) -> list[str]:
    """The files of an artifact that are not, byte for byte, as its manifest tells; older manifests tell of none."""
    found = fingerprint_files([Path(f"{artifact}{name}") for name in manifest.files], artifact)
    names = (name for name, fingerprint in manifest.files.items() if found.get(name) != fingerprint)
    return [f"{artifact.name}{name}" for name in names]


def is_as_published(artifact: Path, manifest: Manifest) -> bool:
    """Whether every byte of an artifact, and of the files that it names, is as it was published."""
    return not differing_files(artifact, manifest) and next(differing_sums(artifact), None) is None


def _differing(artifact: Path, manifest: Manifest) -> list[str]:
    return [*differing_files(artifact, manifest), *differing_sums(artifact)]


def _named(files: Sequence[str]) -> str:
    further = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f"{', '.join(files[:_SHOWN])}{further}"


class Making(NamedTuple):
    """How an artifact would be made now, as far as that is known.

    Attributes:
        inputs: fingerprints of its inputs, by name.
        code_version: of its stage; empty where it does not matter.
        settings: those of its settings that can be told without making it.
        at_times: fingerprints of inputs that it has only at times; empty where it would have none now.
    """

    inputs: Mapping[str, str] = {}
    code_version: str = ""
    settings: Mapping[str, object] = {}
    at_times: Mapping[str, str] = {}

    def changes(self, manifest: Manifest) -> list[str]:
        """What would be other than it was for what is published; finished work that was taken over stands longer."""
        inputs = [
            item.name for item in manifest.inputs if self.inputs.get(item.name, item.fingerprint) != item.fingerprint
        ]
        had = {item.name: item.fingerprint for item in manifest.inputs}
        inputs += [name for name, fingerprint in self.at_times.items() if had.get(name, "") != fingerprint]
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
        damage = contradictions(manifest) + ([] if depot_of(artifact) else resized_files(artifact, manifest))
        state = State("damaged", "; ".join(damage[:_SHOWN])) if damage else state_of(manifest, now)
        return ArtifactState(stage, artifact, manifest, state)
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
