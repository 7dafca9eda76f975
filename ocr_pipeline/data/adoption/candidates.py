"""Which files of a folder the guide's data steps have made, told by their names; nothing is opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocr_pipeline.data.datasets import PARTITIONS, SourcePartition
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.lmdb_parts import head_of

Kind = Literal["merged_json", "lookup", "lmdb", "jsonl"]

_SPLITS = {
    (partition.dataset.name, split): partition for partition in PARTITIONS.values() for split in partition.splits
}
_WHOLE_PARTITIONS: tuple[tuple[str, Kind], ...] = (
    (r"(\w+)_merged\.json", "merged_json"),
    (r"lookup_(\w+)\.pkl\.gz", "lookup"),
)
_NEVER_ENTERED = ("crops", "__pycache__", ".git", ".shards")
_MANY = 5

_REASONS = (
    (r"_step_save_\d+\.json$", "an intermediate save of a merge"),
    (r"_layout\.lmdb$", "its samples are blocks, not pages: make it again with `ocr-pipeline layout`"),
    (r"lookup_.*\.py$|^unified_.*\.py$", "a program, and programs are never run: adopt lookup_*.pkl.gz"),
    (r"_merged\.json$|^lookup_.*\.pkl\.gz$|_annotations_\w+\.(lmdb|jsonl)$", "no partition has that name"),
    (r"\.lmdb$", "an LMDB whose name is not that of word crops"),
    (r"\.pth$|\.pt$|\.safetensors$", "weights: give them to the training commands"),
    (r"", "no file of the guide's data steps"),
)


@dataclass(frozen=True)
class Candidate:
    """A file (or LMDB folder) that can be taken over.

    Attributes:
        split: of word crops; empty for what belongs to a whole partition.
    """

    path: Path
    kind: Kind
    partition: SourcePartition
    split: str = ""

    @property
    def asset(self) -> str:
        """Of which asset it is a partition."""
        return self.kind if self.kind in ("merged_json", "lookup") else "annotations"

    def target(self, workspace: Workspace) -> Path:
        """Where it stands in a workspace."""
        if self.kind == "merged_json":
            return workspace.merged_json(self.partition.key)
        if self.kind == "lookup":
            return workspace.lookup(self.partition.key)
        return workspace.annotations(self.partition.dataset.name, self.split, self.kind)


@dataclass(frozen=True)
class Skipped:
    """Something that is left where it is.

    Attributes:
        path: a file, or a pattern where several of one kind lie together.
    """

    path: Path
    reason: str
    files: int = 1


def find_candidates(folder: Path, besides: Path) -> tuple[list[Candidate], list[Skipped]]:
    """What can be taken over, and what not and why, in the order of the paths.

    Args:
        besides: a folder that is passed over: the workspace, where it lies within.
    """
    candidates: list[Candidate] = []
    skipped: dict[tuple[Path, str, str], list[Path]] = {}
    for path in _files(folder, besides):
        candidate = _candidate(path)
        if candidate:
            candidates.append(candidate)
        else:
            skipped.setdefault((path.parent, path.suffix, _reason(path.name)), []).append(path)
    return candidates, [row for (_, _, reason), paths in skipped.items() for row in _listed(paths, reason)]


def _files(folder: Path, besides: Path) -> Iterator[Path]:
    """Files and LMDB folders; crops are named by their JSONL and may be millions, so they are not walked."""
    for where, folders, files in os.walk(folder):
        here = Path(where)
        lmdbs = sorted(name for name in folders if name.endswith(".lmdb") or head_of(here / name).exists())
        left = {*_NEVER_ENTERED, *lmdbs}
        folders[:] = sorted(name for name in folders if name not in left and here / name != besides)
        yield from (here / name for name in sorted([*files, *lmdbs]))


def _candidate(path: Path) -> Candidate | None:
    if path.name == "textinthewild_data_info.json":
        return Candidate(path, "merged_json", PARTITIONS["text_in_wild"])
    for pattern, kind in _WHOLE_PARTITIONS:
        match = re.fullmatch(pattern, path.name)
        if match and match[1] in PARTITIONS:
            return Candidate(path, kind, PARTITIONS[match[1]])
    match = re.fullmatch(r"(\w+)_annotations_(\w+)\.(lmdb|jsonl)", path.name)
    partition = _SPLITS.get((match[1], match[2])) if match else None
    if not match or not partition or path.is_dir() != (match[3] == "lmdb"):
        return None
    return Candidate(path, "lmdb" if match[3] == "lmdb" else "jsonl", partition, match[2])


def _reason(name: str) -> str:
    return next(reason for pattern, reason in _REASONS if re.search(pattern, name))


def _listed(paths: list[Path], reason: str) -> list[Skipped]:
    if len(paths) <= _MANY:
        return [Skipped(path, reason) for path in paths]
    return [Skipped(paths[0].with_name(f"*{paths[0].suffix}"), reason, len(paths))]
