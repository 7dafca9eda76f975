"""``gc``: earlier versions of the data that nobody names any more."""

from __future__ import annotations

import click

from ocr_pipeline.cli.options import demand_output, output_option
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.release.contest import ChampionSettings
from ocr_pipeline.release.recipe_file import recipe_settings
from ocr_pipeline.release.versions import judged_versions, sweep_versions
from ocr_pipeline.storage.artifacts.versions import bytes_freed
from ocr_pipeline.storage.artifacts.workspace import Workspace

_COLUMNS = ("data", "version", "bytes of its own", "named by", "goes because")


@click.command()
@click.option(
    "--keep_versions",
    type=click.IntRange(0),
    help="Champions of each kind whose data stays.  [default: as the recipe says, else 3]",
)
@click.option("--dry_run", is_flag=True, help="Say what would go, and remove nothing.")
@output_option
def gc(workspace: Workspace, keep_versions: int | None, dry_run: bool) -> None:
    """Remove the earlier versions of the data that no champion names any more."""
    demand_output(workspace)
    if keep_versions is None:
        keep_versions = recipe_settings(ChampionSettings, "champion", workspace).keep_versions
    judged = list(judged_versions(workspace, keep_versions))
    rows = [
        (one.kept.name, one.kept.version, bytes_freed([one.kept]), one.named_by, one.gone_for or "stays")
        for one in judged
    ]
    print_table(f"Versions in {workspace.root}", _COLUMNS, rows)
    freed = bytes_freed(one.kept for one in judged if one.gone_for)
    if dry_run:
        say(f"{freed:,} bytes would be freed.")
    else:
        gone = sweep_versions(workspace, keep_versions)
        say(f"{len(gone):,} versions are removed, {freed:,} bytes are free.")
