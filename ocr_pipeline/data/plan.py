"""What is to be made of a partition to bring it up to date, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ocr_pipeline.data.datasets import Dataset, SourcePartition
from ocr_pipeline.data.datasets.dataset import find_roots
from ocr_pipeline.data.states import partition_states
from ocr_pipeline.storage.artifacts.manifest import known_manifest
from ocr_pipeline.storage.artifacts.stages import STAGES, stages_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

ASSETS = stages_of("data")
OFF_SHARE = "the set is not on the share"
_PAGES = ("merged_json", "lookup")


class Step(NamedTuple):
    """What is done about one asset of one partition, and why."""

    partition: str
    asset: str
    is_wanted: bool
    why: str


def plan(
    share: Share | None, workspace: Workspace, partition: SourcePartition, assets: Sequence[str], everything: bool
) -> Iterator[Step]:
    """One step for each asset, upstream first; what lies downstream of a change is materialised too."""
    is_drawn = partition.dataset.is_drawn
    if not has_source(partition.dataset, share):
        yield from (Step(partition.key, asset, False, OFF_SHARE) for asset in assets)
        return
    found = list(partition_states(workspace, partition, share, os.environ))
    changed: list[str] = []
    for asset in ASSETS:
        if asset not in assets:
            continue
        bad = [str(one.state) for one in found if one.stage == asset and not one.state.is_current]
        above = [name for name in changed if name in STAGES[asset].needs]
        if bad:
            changed.append(asset)
            yield Step(partition.key, asset, True, ", ".join(dict.fromkeys(bad)))
        elif above:
            yield Step(partition.key, asset, True, f"follows {', '.join(above)}")
        else:
            is_wanted = everything or (is_drawn and asset == ASSETS[0])  # a run asks the recipe what is to be drawn
            yield Step(partition.key, asset, is_wanted, "seems current")


def obstacles(
    asset: str, share: Share | None, workspace: Workspace, partitions: Sequence[SourcePartition]
) -> dict[str, str]:
    """Why a stage cannot work on some of these partitions, by their keys: no set, or nothing of a stage before it."""
    datasets = {partition.dataset.name: partition.dataset for partition in partitions}
    there = {name for name, dataset in datasets.items() if has_source(dataset, share)}
    found = {}
    for partition in partitions:
        lacking = [
            name for name in STAGES[asset].needs if name in _PAGES and not _published(name, workspace, partition)
        ]
        if partition.dataset.name not in there and not (asset == "merged_json" and _is_left(workspace, partition)):
            found[partition.key] = OFF_SHARE
        elif lacking:
            found[partition.key] = f"`ocr-pipeline {STAGES[lacking[0]].command}` comes first"
    return found


def has_source(dataset: Dataset, share: Share | None) -> bool:
    """Whether a data set is on the share, or drawn here."""
    return dataset.is_drawn or bool(share and find_roots(share, dataset.folder))


def _published(stage: str, workspace: Workspace, partition: SourcePartition) -> bool:
    return all(map(known_manifest, STAGES[stage].artifacts(workspace, [partition])))


def _is_left(workspace: Workspace, partition: SourcePartition) -> bool:
    """Whether an earlier script left a merged JSON in its place, which a merge takes over without any labels."""
    merged = workspace.merged_json(partition.key)
    return merged.exists() and known_manifest(merged) is None


def wanted_of(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Partition -> the assets of it that are to be made; what needs nothing is not there."""
    wanted: dict[str, list[str]] = {}
    for step in steps:
        if step.is_wanted:
            wanted.setdefault(step.partition, []).append(step.asset)
    return wanted
