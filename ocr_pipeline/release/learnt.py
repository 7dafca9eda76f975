"""What a training learns from, written down when it begins: the data goes on, and the checkpoint still knows."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.recipe import Recipe
from ocr_pipeline.storage.artifacts.lineage import LearntFrom, Trace, lineage_path
from ocr_pipeline.storage.artifacts.manifest import VALIDATION, Input, here_manifest, published_at
from ocr_pipeline.storage.artifacts.versions import keep_version, versions_lease
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_file

logger = logging.getLogger(__name__)

LINEAGE = "lineage.parquet"
"""Its name in the folder of a training."""


def note_learnt(workspace: Workspace, recipe: Recipe, run_folder: Path) -> Path:
    """Keep the data of a recipe, and note all its pages in the folder of its training, before which none is removed.

    Raises:
        PipelineError: the data is no more what the recipe says, or the folder cannot be written.
    """
    with versions_lease(workspace, f"a training in {run_folder.name}"):
        for artifact, _ in recipe.data:
            keep_version(artifact)
        return note_pages(recipe.data, run_folder)


def note_named(train: Iterable[Path], valid: Iterable[Path], run_folder: Path) -> None:
    """Note the pages of data that was named by hand; of what was never published they are not known.

    Raises:
        PipelineError: a manifest is damaged, or the folder cannot be written.
    """
    roles = chain(((path, "") for path in train), ((path, VALIDATION) for path in valid))
    found = [(path, here_manifest(path), role) for path, role in roles]
    data = [(path, Input(path.name, manifest.fingerprint, role)) for path, manifest, role in found if manifest]
    if unknown := [path.name for path, manifest, _ in found if manifest is None]:
        logger.warning("no manifest tells what these hold, and nor will the checkpoint: %s", ", ".join(unknown))
    if data:
        note_pages(data, run_folder)


def note_pages(data: Iterable[tuple[Path, Input]], run_folder: Path) -> Path:
    """Note all pages of some data in the folder of a training, beside what it learnt from before.

    Raises:
        PipelineError: the data is no more what is said of it, or the folder cannot be written.
    """
    from ocr_pipeline.storage.artifacts.lineage_parquet import (  # 65 MB, which the code server spares
        ParquetTraces,
        read_learnt_from,
        read_traces,
    )

    target = run_folder / LINEAGE
    known = read_learnt_from(target) if target.exists() else []
    before = {(one.artifact, one.version, one.role) for one in known}
    new = [(path, item) for path, item in data if (item.name, item.fingerprint, item.role) not in before]
    if known and not new:
        os.utime(target)  # this is the last training now
        return target
    learnt = [(path, _learnt_from(path, item)) for path, item in new]
    with publish_file(target) as draft, ParquetTraces(draft, [*known, *(one for _, one in learnt)]) as file:
        for trace in chain(read_traces(target) if known else (), _traces(learnt)):
            file.write(trace)
    return target


def _learnt_from(artifact: Path, item: Input) -> LearntFrom:
    manifest = here_manifest(artifact)
    if manifest is None or manifest.fingerprint != item.fingerprint:
        raise PipelineError(
            "the data was made anew while a training was about to begin",
            where=artifact,
            remedy="Start the training again.",
        )
    made = datetime.fromtimestamp(published_at(artifact), timezone.utc).isoformat(timespec="seconds")
    inputs = {one.name: one.fingerprint for one in manifest.inputs}
    is_traced = lineage_path(artifact).exists()
    return LearntFrom(item.name, item.fingerprint, item.role, made, manifest.code_version, inputs, is_traced)


def _traces(data: list[tuple[Path, LearntFrom]]) -> Iterator[Trace]:
    from ocr_pipeline.storage.artifacts.lineage_parquet import read_traces

    for artifact, of in data:
        for trace in read_traces(lineage_path(artifact)) if of.traced else ():
            yield replace(trace, artifact=of.artifact, version=of.version, role=of.role)
