"""Writing and taking away a manifest: what only `publication` does, as the linter sees to."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import Manifest, manifest_path
from ocr_pipeline.storage.files.publishing import publish_file


def write_manifest(artifact: Path, manifest: Manifest) -> None:
    """Publish the manifest of ``artifact``: the last step. A depot takes both first."""
    path, content = manifest_path(artifact), msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    if depot := depot_of(artifact):
        depot.send(artifact, path, content)
    with publish_file(path) as draft:
        draft.write_bytes(content)


def retire(artifact: Path) -> None:
    """Take away the manifest of an artifact that is about to be replaced, so that it never vouches for another."""
    path = manifest_path(artifact)
    if depot := depot_of(artifact):
        depot.retire(path)
    path.unlink(missing_ok=True)
