"""A folder of the guide's scripts -> published artifacts with manifests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocr_pipeline.data import annotations as annotation_stage
from ocr_pipeline.data import lookup as lookup_stage
from ocr_pipeline.data import merged_json as merge_stage
from ocr_pipeline.data.adoption.candidates import Candidate, Skipped, find_candidates
from ocr_pipeline.data.adoption.crops import adopt_jsonl, adopt_lmdb
from ocr_pipeline.data.adoption.labels import adopt_lookup, adopt_merged_json
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import ADOPTED, Input, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.lmdb_parts import head_of
from ocr_pipeline.storage.files.typed_paths import demand_folder

logger = logging.getLogger(__name__)

State = Literal["adopted", "already adopted", "kept", "refused"]

_WAYS = {
    "merged_json": (adopt_merged_json, merge_stage.CODE_VERSION),
    "lookup": (adopt_lookup, lookup_stage.CODE_VERSION),
    "lmdb": (adopt_lmdb, annotation_stage.CODE_VERSION),
    "jsonl": (adopt_jsonl, annotation_stage.CODE_VERSION),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        state: ``kept``: the workspace has published one of its own, which stays.
        detail: why, where it was refused.
    """

    candidate: Candidate
    state: State
    counts: Counts
    detail: str = ""


def adopt(
    folder: Path,
    workspace: Workspace,
    hold: Callable[[Candidate], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> tuple[list[Outcome], list[Skipped]]:
    """Take over what a folder holds of finished work; nothing in it is ever changed.

    A file that cannot be read is refused and the others go on. The stages take adopted artifacts for finished work
    until their own inputs change (see `storage.artifacts.publication`).

    Args:
        hold: keeps others off the artifact that a file becomes, for as long as it is entered.

    Raises:
        PipelineError: there is no such folder, it is the workspace itself, or the output cannot be written.
    """
    folder = folder.absolute()
    demand_folder(folder, "Give the folder of the finished files.")
    if folder.resolve() == workspace.root.resolve():
        raise PipelineError(
            "the folder to take over is the workspace itself",
            where=folder,
            remedy="Set --output (OCR_PIPELINE_OUTPUT) to another folder: what is taken over is never changed.",
        )
    candidates, skipped = find_candidates(folder, workspace.root)
    outcomes = []
    for candidate in candidates:
        with hold(candidate):
            outcomes.append(_adopt(candidate, workspace))
    return outcomes, skipped


def _adopt(candidate: Candidate, workspace: Workspace) -> Outcome:
    target = candidate.target(workspace)
    inputs = [Input(ADOPTED, _stamp(candidate.path))]
    published = read_manifest(target)
    if published and published.inputs[:1] == inputs:
        return Outcome(candidate, "already adopted", published.counts)
    if published:
        return Outcome(candidate, "kept", published.counts, f"{target.name} is published already")
    adopt_it, code_version = _WAYS[candidate.kind]
    try:
        with publication(
            target,
            stage=candidate.asset,
            partition=candidate.partition.key,
            code_version=code_version,
            settings={},
            inputs=inputs,
        ) as made:
            adopt_it(candidate, made)
    except PipelineError as error:
        if Path(error.where).is_relative_to(workspace.root):
            raise
        logger.warning("%s is refused: %s", error.where, error.what)  # the remedy is one for files of our own
        return Outcome(candidate, "refused", Counts(), error.what)
    return Outcome(candidate, "adopted", made.counts)


def _stamp(path: Path) -> str:
    """Path, size and time: an LMDB of the earlier scripts seems to hold a terabyte, so contents are not read for it."""
    status = (head_of(path) if path.is_dir() else path).stat()
    return fingerprint_of([str(path), str(status.st_size), str(status.st_mtime_ns)])
