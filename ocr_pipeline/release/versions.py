"""Which earlier versions of the data are still named, and what a checkpoint learnt from, materialised again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, ChampionSettings, Contest
from ocr_pipeline.release.forgetting import all_forgotten
from ocr_pipeline.release.learnt import LINEAGE
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.storage.artifacts.lease import is_held, lease_path
from ocr_pipeline.storage.artifacts.lineage import LearntFrom, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import Pages, read_learnt_from, read_traces
from ocr_pipeline.storage.artifacts.versions import (
    KeptVersion,
    clear_remains,
    kept_versions,
    link_artifact,
    stands,
    version_of,
    versions_lease,
)
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_folder

NamedBy = dict[tuple[str, str], str]
"""(artifact, version) -> who names it."""


class Judged(NamedTuple):
    """A version, why it stays, and why it goes; it goes where there is a reason to."""

    kept: KeptVersion
    named_by: str
    gone_for: str


def judged_versions(workspace: Workspace, keep: int) -> Iterator[Judged]:
    """Each kept version: it stays while one of the last champions names it, the candidate, or the last training.

    One that holds a page to be forgotten goes, whoever names it, but not under a training that reads it.

    Args:
        keep: how many champions of each kind count.

    Raises:
        PipelineError: a lineage or the record of the champions is damaged.
    """
    named = dict(chain.from_iterable(_named(workspace, contest, keep) for contest in (DETECTOR, RECOGNIZER)))
    marks = _marked(workspace)
    read = set(chain.from_iterable(_read_now(workspace, contest) for contest in (DETECTOR, RECOGNIZER)))
    for kept in kept_versions(workspace.root):
        by = named.get((kept.name, kept.version), "")
        if (kept.name, kept.version) in read:
            yield Judged(kept, "a training under way", "")
        elif _holds_one_of(kept.artifact, marks):
            yield Judged(kept, by, "holds a page that is to be forgotten")
        else:
            yield Judged(kept, by, "" if by else "nobody names it")


def sweep_versions(workspace: Workspace, keep: int | None = None) -> list[Judged]:
    """Remove the versions that are to go; by default as the recipe's ``keep_versions`` says."""
    if keep is None:
        keep = recipe_settings(ChampionSettings, "champion", workspace).keep_versions
    with versions_lease(workspace, "gc"):
        clear_remains(workspace.root)
        gone = [one for one in judged_versions(workspace, keep) if one.gone_for]
        for one in gone:
            one.kept.remove()
    return gone


def data_again(workspace: Workspace, data: Iterable[LearntFrom], folder: Path) -> list[Path]:
    """Let all data that a checkpoint learnt from stand in a folder, in the versions that it had: all of it, or nothing.

    Raises:
        PipelineError: one of them is kept no more or holds a page to be forgotten, or the folder is not empty or cannot
            be written.
    """
    data, folder = list(data), folder.resolve()
    sources = [_source(workspace, one) for one in data]
    marks = _marked(workspace)
    if marked := ", ".join(source.name for source in sources if _holds_one_of(source, marks)):
        raise PipelineError(
            f"a page that is to be forgotten is in {marked}",
            where=workspace.root,
            remedy="It is not brought back. `ocr-pipeline forget` lists the marks, and `review undo` takes one back.",
        )
    if folder.exists() and any(folder.iterdir()):
        raise PipelineError("the folder is not empty", where=folder, remedy="Name a new one.")
    with publish_folder(folder) as draft:
        for source in sources:
            link_artifact(source, draft / source.name)
    return [folder / source.name for source in sources]


def _source(workspace: Workspace, data: LearntFrom) -> Path:
    artifact = workspace.root / data.artifact
    for place in (artifact, version_of(artifact, data.version).artifact):
        if stands(place, data.version):
            return place
    raise PipelineError(
        f"version {data.version} of {data.artifact} is there no more",
        where=artifact,
        remedy="Only what the last champions learnt from is kept (keep_versions); bring it back from a backup.",
    )


def _named(workspace: Workspace, contest: Contest, keep: int) -> Iterator[tuple[tuple[str, str], str]]:
    champions, candidate, newest = (
        contest.champions(workspace),
        contest.candidate(workspace),
        _newest(workspace, contest),
    )
    acts = dict.fromkeys(act.fingerprint for act in reversed(champions.ledger().acts))
    last = [(lineage_path(champions.kept(version)), f"champion {version}") for version in list(acts)[:keep]]
    names = [*((path, "the last training") for path in newest), (lineage_path(candidate), contest.name), *last]
    for path, name in names:
        for one in read_learnt_from(path) if path.exists() else ():
            yield (one.artifact, one.version), name


def _newest(workspace: Workspace, contest: Contest) -> list[Path]:
    """What the training that began last learns from, if there was one."""
    runs = (workspace.fast_run if contest is DETECTOR else workspace.dlora_run)("").glob(f"*/{LINEAGE}")
    return sorted(runs, key=lambda path: path.stat().st_mtime)[-1:]


def _read_now(workspace: Workspace, contest: Contest) -> Iterator[tuple[str, str]]:
    """(artifact, version) of what a training under way reads."""
    if is_held(lease_path(workspace, contest.name, None)):
        for path in _newest(workspace, contest):
            yield from ((one.artifact, one.version) for one in read_learnt_from(path))


def _marked(workspace: Workspace) -> Pages:
    """What is to be forgotten."""
    return Pages(frozenset((mark.label, mark.image) for _, mark in all_forgotten(workspace)))


def _holds_one_of(artifact: Path, marks: Pages) -> bool:
    lineage = lineage_path(artifact)
    return bool(marks.pages) and lineage.exists() and next(read_traces(lineage, marks), None) is not None
