"""The small JSON beside each published artifact: where it comes from, what it holds, whether it is still current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.files.fingerprints import file_sizes

ADOPTED = "adopted"
"""Name of the first input of an artifact that was taken over from elsewhere; see `publication`."""


ENDING = ".manifest.json"
VALIDATION = "validation"


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing an artifact was made from: a name a person understands and a fingerprint of its content.

    Attributes:
        role: `VALIDATION`, where a training's scores were measured on it; else empty.
    """

    name: str
    fingerprint: str
    role: str = ""


class Manifest(msgspec.Struct, kw_only=True):
    """What one artifact is made of.

    Attributes:
        stage: the stage that made it (``annotations``).
        partition: the source partition, or the recipe for a checkpoint.
        code_version: version of the stage's code; a new one makes the artifact stale.
        settings: every setting that changes the artifact.
        inputs: upstream artifacts or, at the first stages, a fingerprint of the files on the share.
        counts: pages and words in, out and set aside.
        fingerprint: of the artifact itself; Dagster's data version.
        metrics: what a training reached on its validation data.
        files: fingerprint of the bytes of each of its files, by what their paths have beyond the artifact's; empty in
            older ones.
        sizes: how many bytes each of them has; empty in older ones.
    """

    stage: str
    partition: str
    code_version: str
    settings: dict[str, Any]
    inputs: list[Input]
    fingerprint: str
    counts: Counts = msgspec.field(default_factory=Counts)
    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    files: dict[str, str] = msgspec.field(default_factory=dict)
    sizes: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def adopted(self) -> bool:
        """Whether the artifact was taken over: finished work of another program."""
        return any(item.name == ADOPTED for item in self.inputs)

    def made_from(self, code_version: str, settings: dict[str, Any], inputs: list[Input]) -> bool:
        """Whether the same code, settings and inputs would make the same artifact again."""
        return (self.code_version, self.settings, self.inputs) == (code_version, settings, inputs)


class DamagedManifestError(PipelineError):
    """A manifest that cannot be read."""


def manifest_path(artifact: Path) -> Path:
    return artifact.with_name(artifact.name + ENDING)


def quarantine_path(artifact: Path) -> Path:
    return artifact.with_name(artifact.name + ".quarantine.parquet")


def read_manifest(artifact: Path) -> Manifest | None:
    """The manifest of ``artifact``, or None if artifact or manifest is not there.

    Where a depot keeps the artifacts, this one is fetched first: when there is a manifest, the files can be read.

    Raises:
        DamagedManifestError: the manifest is there but cannot be read.
    """
    path = manifest_path(artifact)
    if depot := depot_of(artifact):
        depot.fetch(artifact, path)
    return here_manifest(artifact)


def here_manifest(artifact: Path) -> Manifest | None:
    """The same as this machine has it, whatever a depot has by now: for what is being read already."""
    path = manifest_path(artifact)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _decode(content, path) if artifact.exists() else None


def known_manifest(artifact: Path) -> Manifest | None:
    """The same for who wants to know what is published, and no files: a depot is asked for the manifest alone."""
    depot, path = depot_of(artifact), manifest_path(artifact)
    if depot is None:
        return here_manifest(artifact)
    content = depot.read(path)
    return _decode(content, path) if content is not None else None


def published_at(artifact: Path) -> float:
    """When the manifest of an artifact was published, in seconds since 1970."""
    depot, path = depot_of(artifact), manifest_path(artifact)
    return depot.modified(path) if depot else path.stat().st_mtime


def _decode(content: bytes, path: Path) -> Manifest:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedManifestError(
            f"the manifest cannot be read ({error})",
            where=path,
            remedy="Delete it and materialise the asset again.",
        ) from error


def _by_command(name: str) -> str:
    command = STAGES[name].command if name in STAGES else ""
    return f" (`ocr-pipeline {command}`)" if command else ""


def resized_files(artifact: Path, manifest: Manifest) -> list[str]:
    """The files of an artifact here that are cut short, grown or gone; older manifests do not tell."""
    found = file_sizes(manifest.sizes, artifact)
    return [
        f"{artifact.name}{name} has {max(0, found[name]):,} of {size:,} bytes"
        for name, size in manifest.sizes.items()
        if found[name] != size
    ]


def contradictions(manifest: Manifest) -> list[str]:
    """What a manifest says that cannot be."""
    return [] if manifest.counts.add_up else ["what the manifest counts does not add up"]


def upstream(name: str, artifact: Path) -> Input:
    """What a stage takes from the stage before it.

    Raises:
        PipelineError: the artifact is not published, or not of the size any more that it was published with.
    """
    manifest = read_manifest(artifact)
    if manifest is None:
        raise PipelineError(
            f"{name} is not published",
            where=artifact,
            remedy=f"Materialise {name} for this partition first{_by_command(name)}.",
        )
    if resized := resized_files(artifact, _itself(manifest)):
        raise PipelineError(
            f"{name} is damaged ({'; '.join(resized)})",
            where=artifact,
            remedy=f"Delete its manifest and materialise {name} for this partition again{_by_command(name)}.",
        )
    return Input(name, manifest.fingerprint)


def _itself(manifest: Manifest) -> Manifest:
    """A manifest of the artifact alone, without what stands beside it: nobody downstream reads that."""
    own = {name: size for name, size in manifest.sizes.items() if not name.startswith(".")}
    return msgspec.structs.replace(manifest, sizes=own)
