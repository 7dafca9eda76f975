"""The stages: what is made, of what, and where it lies. Whoever goes through all of them reads this table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ocr_pipeline.storage.artifacts.workspace import Workspace

Job = Literal["data", "training", "inference"]


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Partition(Protocol):
    """What a table of artifacts has to know of a source partition."""

    @property
    def key(self) -> str: ...
    @property
    def dataset(self) -> Named: ...
    @property
    def splits(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Stage:
    """One asset.

    Attributes:
        job: with which others it is run.
        group: under which it stands in the graph.
        needs: the stages whose artifacts it is made from.
        each: where its artifacts of a source partition may lie; once: where its only artifact lies.
        sets_aside: whether a quarantine stands beside them.
    """

    name: str
    job: Job
    group: str
    needs: tuple[str, ...] = ()
    each: Callable[[Workspace, Partition], Sequence[Path]] | None = None
    once: Callable[[Workspace], Path] | None = None
    sets_aside: bool = False

    def artifacts(self, workspace: Workspace, partitions: Iterable[Partition] = ()) -> list[Path]:
        """Where its artifacts of some partitions may lie; its only one, whatever the partitions, where there is one."""
        found = [self.once(workspace)] if self.once else []
        return found + [path for one in partitions for path in (self.each(workspace, one) if self.each else ())]


def _crops(workspace: Workspace, of: Partition) -> list[Path]:
    """In either format."""
    return [workspace.annotations(of.dataset.name, split, form) for split in of.splits for form in ("lmdb", "jsonl")]


def _layouts(workspace: Workspace, of: Partition) -> list[Path]:
    return [workspace.layout_lmdb(of.dataset.name, split) for split in of.splits]


_PAGES = ("merged_json", "lookup")

_TABLE = (
    Stage("merged_json", "data", "labels", (), lambda ws, of: [ws.merged_json(of.key)], sets_aside=True),
    Stage("lookup", "data", "labels", ("merged_json",), lambda ws, of: [ws.lookup(of.key)], sets_aside=True),
    Stage("annotations", "data", "recognition", _PAGES, _crops, sets_aside=True),
    Stage("data_quality", "data", "quality", (*_PAGES, "annotations"), lambda ws, of: [ws.quality(of.key)]),
    Stage("layout_lmdb", "data", "detection", _PAGES, _layouts, sets_aside=True),
    Stage(
        "fast_checkpoint",
        "training",
        "detection",
        ("layout_lmdb", "data_quality"),
        once=lambda ws: ws.fast_checkpoint,
    ),
    Stage("fast_champion", "training", "detection", ("fast_checkpoint",), once=lambda ws: ws.fast_champion),
    Stage(
        "dlora_checkpoint",
        "training",
        "recognition",
        ("annotations", "data_quality"),
        once=lambda ws: ws.dlora_checkpoint,
    ),
    Stage("dlora_champion", "training", "recognition", ("dlora_checkpoint",), once=lambda ws: ws.dlora_champion),
    Stage("detections", "inference", "inference", ("fast_champion",), once=lambda ws: ws.detections),
    Stage("predictions", "inference", "inference", ("dlora_champion",), once=lambda ws: ws.predictions),
)

STAGES = {stage.name: stage for stage in _TABLE}
"""All stages by name; what a stage needs stands before it."""


def stages_of(job: Job) -> list[str]:
    """The names of what is run together."""
    return [stage.name for stage in _TABLE if stage.job == job]
