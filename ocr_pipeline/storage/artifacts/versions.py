"""Earlier versions of data artifacts: what was learnt from stays, as long as somebody names it.

A version is kept when it is learnt from, by hard links: it costs nothing until the artifact is made anew, and then just
the old files. All that is published is a new file in the place of the old one, so a version never changes.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.manifest import Manifest, here_manifest, manifest_path, resized_files
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import link_or_copy, mendable, publish_folder

logger = logging.getLogger(__name__)

VERSIONS = ".versions"
_BLOCK = 512
"""Bytes: the unit in which every file system tells what a file takes."""


class KeptVersion(NamedTuple):
    """One version of an artifact; the artifact itself, its manifest and what stands beside it lie in a folder."""

    folder: Path

    @property
    def artifact(self) -> Path:
        return self.folder / self.name

    @property
    def name(self) -> str:
        """That of the artifact."""
        return self.folder.parent.name

    @property
    def version(self) -> str:
        return self.folder.name

    def remove(self) -> None:
        """Let it vanish in one step; what a kill leaves of it, `clear_remains` takes."""
        gone = self.folder.with_name(f".{self.version}.gone")
        with mendable(self.folder):
            shutil.rmtree(gone, ignore_errors=True)
            self.folder.rename(gone)
            shutil.rmtree(gone)


def bytes_freed(versions: Iterable[KeptVersion]) -> int:
    """What the disk gets back if all of these go: a part that only they share goes with the last of them."""
    files = [file.stat() for kept in versions for file in kept.folder.rglob("*") if file.is_file()]
    places = Counter((file.st_dev, file.st_ino) for file in files)
    gone = {(file.st_dev, file.st_ino): file for file in files if file.st_nlink == places[file.st_dev, file.st_ino]}
    return sum(file.st_blocks * _BLOCK for file in gone.values())


def stands(artifact: Path, version: str) -> bool:
    """Whether an artifact is of a version, and every file of it there, of the size that it was published with."""
    manifest = here_manifest(artifact)
    return bool(manifest and manifest.fingerprint == version and not resized_files(artifact, manifest))


def version_of(artifact: Path, fingerprint: str) -> KeptVersion:
    """Where a version of an artifact is kept."""
    return KeptVersion(artifact.parent / VERSIONS / artifact.name / fingerprint)


def versions_lease(workspace: Workspace, owner: str) -> AbstractContextManager[None]:
    """Held by whoever keeps versions, until he has named them, and by whoever removes those that nobody names."""
    return lease(lease_path(workspace, "versions", None), owner)


def clear_remains(folder: Path) -> None:
    """Remove what kills have left among the versions of the artifacts in a folder, under the `versions_lease`."""
    for path in (folder / VERSIONS).glob("*/.*"):
        with mendable(path):
            shutil.rmtree(path)


def keep_version(artifact: Path) -> None:
    """Keep the published version of an artifact; in an object store nothing is, which has versions of its own.

    Raises:
        PipelineError: the output cannot be written, or the artifact is being made anew.
    """
    manifest = here_manifest(artifact)
    if manifest is None or depot_of(artifact):
        return
    kept = version_of(artifact, manifest.fingerprint)
    if not stands(kept.artifact, kept.version):
        with publish_folder(kept.folder) as draft:
            _link(artifact, manifest, draft / artifact.name)


def kept_place(artifact: Path, version: str) -> Path:
    """Where a version of an artifact stays as it is, whatever is made in the artifact's place.

    That is the artifact itself where none is kept, and of a JSONL, beside which its crops lie.
    """
    kept = version_of(artifact, version).artifact
    return kept if kept.is_dir() and stands(kept, version) else artifact


def link_artifact(artifact: Path, target: Path) -> None:
    """Let a published artifact, with its manifest and all that stands beside it, stand in a second place.

    Raises:
        PipelineError: it is being made anew.
    """
    if manifest := here_manifest(artifact):
        _link(artifact, manifest, target)


def _link(artifact: Path, manifest: Manifest, target: Path) -> None:
    """Whoever makes it anew takes its manifest away first: while that is the same, the files are those it tells of."""
    copied = 0
    try:
        for name in manifest.files or _files(artifact):
            place = Path(f"{target}{name}")
            place.parent.mkdir(parents=True, exist_ok=True)
            copied += not link_or_copy(Path(f"{artifact}{name}"), place)
        link_or_copy(manifest_path(artifact), manifest_path(target))
    except FileNotFoundError as error:
        raise _made_anew(artifact) from error
    if here_manifest(target) != manifest:
        raise _made_anew(artifact)
    if copied:
        logger.warning("%s is copied (%d files): hard links to it are not to be had there", artifact, copied)


def _made_anew(artifact: Path) -> PipelineError:
    return PipelineError(
        "the data is being made anew, or files of it are gone",
        where=artifact,
        remedy="Run the same again when it is made; `ocr-pipeline status` tells whether it is whole.",
    )


def _files(artifact: Path) -> list[str]:
    """Those of an artifact whose manifest is too old to tell."""
    paths = (path for path in artifact.rglob("*") if path.is_file()) if artifact.is_dir() else (artifact,)
    return [str(path).removeprefix(str(artifact)) for path in paths]


def kept_versions(folder: Path) -> Iterator[KeptVersion]:
    """All versions of the artifacts in a folder."""
    found = (path for path in (folder / VERSIONS).glob("*/*") if not path.name.startswith("."))  # no draft
    yield from map(KeptVersion, sorted(found))
