"""``automation``: what runs by itself, and what it would do now; nothing is started."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import click

from ocr_pipeline.cli.options import output_option, source_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

Row = tuple[str, str, str]
"""(what, on or off, what it would do now)."""


@click.command()
@source_option
@output_option
def automation(share: Share, workspace: Workspace) -> None:
    """Say of the watch, the night and the trainings whether they are on, and what they would do now.

    The watch is asked as if it had never looked, so it names all that is on the share.
    """
    print_table(f"automation -> {workspace.root}", ("", "", "would now"), list(_rows(share, workspace)))


def _rows(share: Share, workspace: Workspace) -> Iterator[Row]:
    from ocr_pipeline.data.datasets import DATASETS  # with the rest it costs seconds, which --help need not wait for
    from ocr_pipeline.data.datasets.dataset import find_roots
    from ocr_pipeline.orchestration.automation.conditions import shortfall
    from ocr_pipeline.orchestration.automation.inbox_watch import inbox_fingerprint
    from ocr_pipeline.orchestration.automation.settings import AutomationSettings
    from ocr_pipeline.orchestration.automation.share_watch import look
    from ocr_pipeline.orchestration.automation.watched import Watch
    from ocr_pipeline.release.recipe_file import recipe_settings

    settings = recipe_settings(AutomationSettings, "automation", workspace)
    for change in look(share, Watch(place=share.place), settings, time.time(), seconds=math.inf):
        waits = f", if it stays so for {change.waits:.0f} s" if change.waits else ""
        yield "watch", _on(settings.watch), f"run data for {change.partition}{waits}"
    pages = "read what is in inbox/pages" if inbox_fingerprint(workspace) else "nothing: inbox/pages is empty"
    yield "watch_inbox", _on(settings.watch_inbox), pages
    present = [p.key for dataset in DATASETS if find_roots(share, dataset.folder) for p in dataset.partitions]
    night = f" ({settings.nightly}, {settings.zone})" if settings.nightly else ""
    yield "nightly", _on(bool(settings.nightly)), f"run data for {', '.join(present) or 'nothing'}{night}"
    for asset in ("fast_checkpoint", "dlora_checkpoint"):
        yield asset, _on(settings.train_share > 0), shortfall(workspace, asset, settings, time.time()) or "train"


def _on(is_on: bool) -> str:
    return "on" if is_on else "off"
