"""Bring data sets up to date: what is missing, incomplete or stale is materialised, what is current is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ocr_pipeline.cli.options import dataset_option, output_option, partition_option, source_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import EVERY_PARTITION, SourcePartition
from ocr_pipeline.data.plan import ASSETS, plan, wanted_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


@click.command()
@source_option
@output_option
@dataset_option
@partition_option
@click.option("--asset", "assets", multiple=True, type=click.Choice(ASSETS), help="May be repeated. Default: all data.")
@click.option(
    "--all", "everything", is_flag=True, help="Also what seems current: code and settings are looked at again."
)
@click.option("--dry_run", is_flag=True, help="Only say what would be done, and why.")
@click.option("--accept_loss", is_flag=True, help="Publish although pages or words are lost.")
@click.pass_context
def backfill(
    context: click.Context,
    share: Share | None,
    workspace: Workspace,
    datasets: Sequence[str],
    partitions: list[SourcePartition],
    assets: Sequence[str],
    everything: bool,
    dry_run: bool,
    accept_loss: bool,
) -> None:
    """Materialise what is missing or stale of data sets: in the queue of a running daemon, else here.

    Nothing is done twice: a run finds what is current, and waits for another run that makes the same artifact.
    """
    chosen = _chosen(datasets, partitions, context.get_parameter_source("partitions"))
    steps = [step for partition in chosen for step in plan(share, workspace, partition, assets or ASSETS, everything)]
    rows = [(s.partition, s.asset, "materialise" if s.is_wanted else "leave", s.why) for s in steps]
    print_table(f"backfill -> {workspace.root}", ("partition", "asset", "", "why"), rows)
    wanted = wanted_of(steps)
    if not wanted:
        click.echo("Nothing to do.")
    elif dry_run:
        click.echo(f"Dry run: {len(wanted)} partitions would run, nothing was started.")
    else:
        _launch(share, workspace, wanted, accept_loss)


def _chosen(
    datasets: Sequence[str], partitions: list[SourcePartition], source: click.core.ParameterSource | None
) -> list[SourcePartition]:
    """What is named by either option; everything if neither is used."""
    if source is click.core.ParameterSource.DEFAULT and datasets:
        partitions = []
    named = {partition.key for partition in partitions}
    return [part for part in EVERY_PARTITION.values() if part.key in named or part.dataset.name in datasets]


def _launch(share: Share | None, workspace: Workspace, wanted: dict[str, list[str]], accept_loss: bool) -> None:
    from ocr_pipeline.orchestration import backfills  # dagster costs seconds, which a dry run need not wait for
    from ocr_pipeline.orchestration.definitions import build_definitions
    from ocr_pipeline.orchestration.resources import Locations

    definitions = build_definitions(Locations(source=share.root if share else "", output=str(workspace.root)))
    instance = backfills.open_instance(Path.cwd())
    if instance and backfills.has_daemon(instance):
        name = backfills.submit(instance, definitions, wanted, accept_loss=accept_loss)
        click.echo(f"Backfill {name} is in the queue of the running daemon: see Runs > Backfills in the UI.")
        click.echo("It works with the locations and settings of the daemon's own environment.")
        return
    click.echo("No daemon runs, so it runs here" + ("." if instance else ", and no Dagster home will remember it."))
    failed = []
    for partition, succeeded in backfills.run_here(instance, definitions, wanted, accept_loss=accept_loss):
        click.echo(f"{partition}: {'done' if succeeded else 'failed'}")
        failed += [] if succeeded else [partition]
    if failed:
        raise PipelineError(
            "some partitions failed", where=", ".join(failed), remedy="Their errors stand above; run it again then."
        )
