"""The partitions that a stage works on: which there are, one after the other, each under its lease."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import click

from ocr_pipeline.cli.output import say
from ocr_pipeline.data.datasets import SourcePartition, demand_apart
from ocr_pipeline.data.plan import OFF_SHARE, obstacles
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


def leased(
    share: Share | None,
    workspace: Workspace,
    asset: str,
    partitions: Sequence[SourcePartition],
    *,
    makes_folder: bool = False,
) -> Iterator[SourcePartition]:
    """The partitions one after the other, each under the lease of its artifact for as long as it is worked on.

    A run of Dagster, or another command, that wants the same artifact waits, and so does this one for them. Where no
    partition was named, those are left out of which there is nothing to work on, and one line says which.

    Args:
        makes_folder: the output folder need not be there; a stage that needs what another published says so itself,
            and then nothing shall have been written.
    """
    if share:
        demand_apart(share, workspace.root)  # a lease is a file there already
    context = click.get_current_context()
    if context.get_parameter_source("partitions") is click.core.ParameterSource.DEFAULT:
        partitions = _at_hand(asset, share, workspace, partitions)
    lent = _leased(workspace, asset, partitions, makes_folder)
    context.call_on_close(lent.close)  # an error may leave it in the midst of a partition
    return lent


def _leased(
    workspace: Workspace, asset: str, partitions: Iterable[SourcePartition], makes_folder: bool
) -> Generator[SourcePartition, None, None]:
    for partition in partitions:
        is_lent = makes_folder or workspace.root.exists()
        with artifact_lease(workspace, asset, partition) if is_lent else nullcontext():
            yield partition


def _at_hand(
    asset: str, share: Share | None, workspace: Workspace, partitions: Sequence[SourcePartition]
) -> Sequence[SourcePartition]:
    """Those that can be worked on; where there is none, those of which the stage itself shall say what they lack."""
    found = obstacles(asset, share, workspace, partitions)
    at_hand = [partition for partition in partitions if partition.key not in found]
    if not at_hand:
        return [one for one in partitions if found[one.key] != OFF_SHARE] or partitions
    if found:
        reasons = dict.fromkeys(found.values())
        keys = {reason: ", ".join(key for key, why in found.items() if why == reason) for reason in reasons}
        say("left out: " + "; ".join(f"{keys[reason]} ({reason})" for reason in reasons), err=True)
    return at_hand


def artifact_lease(workspace: Workspace, asset: str, partition: SourcePartition) -> AbstractContextManager[None]:
    """The lease of one artifact, in the name of the command line."""
    return lease(lease_path(workspace, asset, partition.key), f"ocr-pipeline, {asset} {partition.key}")
