"""``register``: tell Dagster what was made without it, so that its log and the manifests say the same."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ocr_pipeline.cli.options import demand_output, output_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace


@click.command("register")
@output_option
def register_command(workspace: Workspace) -> None:
    """Tell Dagster of all that is published and of what was deleted: after work at the terminal, or for a new home.

    What it knows is not told again. A running daemon does this by itself once a minute.
    """
    demand_output(workspace)
    from ocr_pipeline.orchestration import backfills  # dagster costs seconds, which --help need not wait for
    from ocr_pipeline.orchestration.upkeep.registering import register

    instance = backfills.open_instance(Path.cwd())
    if instance is None:
        raise PipelineError(
            "there is no Dagster home to tell", where=Path.cwd(), remedy="`make ui` makes one; or set DAGSTER_HOME."
        )
    began = time.monotonic()
    with instance:
        told = list(register(instance, workspace))
    rows = [(one.asset, one.partition or "", one.version, one.why) for one in told]
    if rows:
        print_table(f"register -> {instance.root_directory}", ("asset", "partition", "version", ""), rows)
    unread = [one for one in told if not one.version]
    click.echo(f"{len(told) - len(unread)} events told in {time.monotonic() - began:.1f} s.")
    if unread:
        raise PipelineError(
            "some artifacts cannot be read, and were not registered",
            where=", ".join(f"{one.asset} {one.partition or ''}".strip() for one in unread),
            remedy="What to do stands beside each of them above.",
        )
