"""From a checkpoint to every label file, and from a label file or picture to all that holds it or learnt from it.

Nothing is asked but the lineages that stand in the output folder, each beside its artifact: what was overwritten since
is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.release.learnt import LINEAGE
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.lineage import ENDING, LearntFrom, Trace, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import Pages, Wanted, read_learnt_from, read_traces
from ocr_pipeline.storage.artifacts.manifest import ENDING as MANIFEST
from ocr_pipeline.storage.artifacts.manifest import Manifest, known_manifest, published_at
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.versions import VERSIONS
from ocr_pipeline.storage.artifacts.workspace import Workspace

T = TypeVar("T")

_SUFFIX = "." + ".".join(ENDING)
_WITHOUT = frozenset(
    {"crops", "drawn", "inbox", "readings", "detections", ".shards", ".leases", ".arriving", "lost+found"}
)
"""Folders of many files and no lineage."""
_CURRENT = "current"
_CONTESTS = (DETECTOR, RECOGNIZER)
_DATA = frozenset((*stages_of("data"), *stages_of("review"), *stages_of("judging")))
"""The stages that hold pages and learn nothing."""


class Holder(NamedTuple):
    """Something that pages went into.

    Attributes:
        lineage: the file that tells which.
        name: of the artifact, below the output folder.
        stage: that made it; ``training`` for the folder of one that may still be under way.
        version: its fingerprint; empty where it has no manifest (any more).
        made: when it was published, in ISO 8601, UTC.
        state: what it is used for.
    """

    lineage: Path
    name: str
    stage: str
    version: str
    made: str
    state: str

    @property
    def is_data(self) -> bool:
        return self.stage in _DATA


def holders(workspace: Workspace) -> list[Holder]:
    """All that has a lineage, data before what learnt from it."""
    champions = _champions(workspace)
    found = (_holder(workspace, path, champions) for path in _lineages(workspace))
    return sorted(found, key=lambda one: (not one.is_data, one.name))


def held_by(workspace: Workspace, wanted: Wanted | Pages) -> Iterator[tuple[Holder, list[Trace]]]:
    """All that some pages went into, and as what they stand there.

    Raises:
        PipelineError: a lineage is damaged.
    """
    for holder in holders(workspace):
        if found := _told(partial(read_traces, wanted=wanted), holder.lineage):
            yield holder, found


def holder_of(workspace: Workspace, given: str) -> Holder:
    """The artifact or checkpoint that is meant by an asset, a path of it or of something in it, or a version.

    Raises:
        PipelineError: there is none with a lineage, or several.
    """
    if outside := _run_folder(workspace, given):
        return outside
    known = holders(workspace)
    found = (
        [one for one in known if given in _assets(workspace, one)]
        or _standing_at(workspace, given, known)
        or [one for one in known if one.version and one.version.startswith(given)]
    )
    if found and len({one.version for one in found}) == 1:
        return found[0]
    raise PipelineError(
        f"several artifacts are called {given}" if found else "nothing of that name has a lineage",
        where=", ".join(one.name for one in found) or given,
        remedy="Give a file below the output folder, an asset (fast_champion) or a version (`ocr-pipeline champions`); "
        "what was made before there were lineages gets one when it is materialised again.",
    )


def _run_folder(workspace: Workspace, given: str) -> Holder | None:
    """The training, at the command line, of a checkpoint outside the output folder."""
    path = Path(os.path.realpath(given))
    if not path.exists() or path.is_relative_to(os.path.realpath(workspace.root)):
        return None
    lineages = (folder / LINEAGE for folder in (path, *path.parents[:2]))
    lineage = next((one for one in lineages if one.is_file()), None)
    return Holder(lineage, given, "training", "", _changed_at(lineage), "run folder") if lineage else None


def learners_of(workspace: Workspace, holder: Holder) -> Iterator[tuple[Holder, LearntFrom]]:
    """What learnt from a version of a data artifact, or was measured on it."""
    for one in holders(workspace):
        for data in () if one.is_data else _told(read_learnt_from, one.lineage):
            if (data.artifact, data.version) == (Path(holder.name).name, holder.version):
                yield one, data


def _told(read: Callable[[Path], Iterable[T]], lineage: Path) -> list[T]:
    """What is read from a lineage; nothing where it went since it was found, as those of versions that are removed."""
    try:
        return list(read(lineage))
    except FileNotFoundError:
        return []


def still_there(workspace: Workspace, data: Iterable[LearntFrom]) -> Iterator[tuple[LearntFrom, str]]:
    """Each data artifact that was learnt from, and what became of it."""
    known = sorted((one for one in holders(workspace) if one.is_data), key=lambda one: one.state == _CURRENT)
    there = {(Path(one.name).name, one.version): one for one in known}
    for one in data:
        found = there.get((one.artifact, one.version))
        yield one, found.state if found else "overwritten"


def _assets(workspace: Workspace, one: Holder) -> list[str]:
    path = workspace.root / one.name
    return [stage.name for stage in STAGES.values() if stage.once and stage.once(workspace) == path]


def _standing_at(workspace: Workspace, given: str, known: Iterable[Holder]) -> list[Holder]:
    """What stands at a path, however it is spelled, from here or from the output folder, or what that is a part of."""
    asked = (Path(os.path.realpath(path)) for path in (given, workspace.root / given))
    meant = {path for one in asked for path in (one, *one.parents)}
    return [one for one in known if Path(os.path.realpath(workspace.root / one.name)) in meant]


def untold(workspace: Workspace) -> Iterator[str]:
    """What holds pages or learnt from some, and does not tell of all of them: they may be any.

    It was made before there were lineages, or other programs made it or its data; or it is a folder closed to us.

    Raises:
        PipelineError: a manifest or a lineage is damaged.
    """
    closed: list[OSError] = []
    for path in _files(workspace, closed.append):
        artifact = path.with_name(path.name.removesuffix(MANIFEST))
        if path.name.endswith(MANIFEST) and (manifest := known_manifest(artifact)) and not _tells(artifact, manifest):
            yield _below(workspace, artifact)
    for error in closed:
        if not isinstance(error, FileNotFoundError):  # what vanishes meanwhile holds nothing
            yield _below(workspace, Path(error.filename))


def _tells(artifact: Path, manifest: Manifest) -> bool:
    lineage = lineage_path(artifact)
    if manifest.stage in _DATA:
        return lineage.exists() or not (manifest.counts.pages_out or manifest.counts.words_out)
    is_learnt = any(manifest.stage == contest.name for contest in _CONTESTS)
    return not is_learnt or (lineage.exists() and all(one.traced for one in _told(read_learnt_from, lineage)))


def _lineages(workspace: Workspace) -> Iterator[Path]:
    _fetch(workspace)
    return (path for path in _files(workspace) if _is_lineage(path.name))


def _files(workspace: Workspace, on_closed: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """All files but those in folders without lineages; links are followed, since the owner may use several disks."""
    seen = set[str]()
    for folder, below, files in os.walk(workspace.root, onerror=on_closed, followlinks=True):
        is_new = (place := os.path.realpath(folder)) not in seen
        seen.add(place)
        below[:] = sorted(name for name in below if is_new and name not in _WITHOUT)
        yield from (Path(folder, name) for name in sorted(files) if is_new)


def _is_lineage(name: str) -> bool:
    return name == LINEAGE or (name.endswith(_SUFFIX) and not name.startswith("."))


def _fetch(workspace: Workspace) -> None:
    """Bring the lineages that a depot has to this machine."""
    if depot := depot_of(workspace.json_merged):
        for path in depot.paths(_SUFFIX):
            depot.fetch_file(path)


def _holder(workspace: Workspace, lineage: Path, champions: dict[str, str]) -> Holder:
    if lineage.name == LINEAGE:
        return Holder(lineage, _below(workspace, lineage.parent), "training", "", _changed_at(lineage), "run folder")
    artifact = lineage.with_name(lineage.name.removesuffix(_SUFFIX))
    name = _below(workspace, artifact)
    with suppress(FileNotFoundError):  # it is being made anew
        if manifest := known_manifest(artifact):
            made = datetime.fromtimestamp(published_at(artifact), timezone.utc).isoformat(timespec="seconds")
            state = _state(workspace, artifact, manifest, champions)
            return Holder(lineage, name, manifest.stage, manifest.fingerprint, made, state)
    return Holder(lineage, name, "", "", "", "without a manifest")


def _state(workspace: Workspace, artifact: Path, manifest: Manifest, champions: dict[str, str]) -> str:
    if manifest.stage in _DATA:
        if artifact in STAGES[manifest.stage].artifacts(workspace, EVERY_PARTITION.values()):
            return _CURRENT
        return "kept version" if VERSIONS in artifact.parts else "copy"
    return champions.get(manifest.fingerprint, "candidate")


def _champions(workspace: Workspace) -> dict[str, str]:
    """Version -> how it came to be champion, or went."""
    told: dict[str, str] = {}
    for contest in _CONTESTS:
        acts = contest.champions(workspace).ledger().acts
        told |= {act.fingerprint: f"{act.what} {act.when}" for act in acts}
        told |= {act.fingerprint: f"champion in use ({act.what} {act.when})" for act in acts[-1:]}
    return told


def _changed_at(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).isoformat(timespec="seconds")


def _below(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix()
