"""``champions`` and ``rollback``: which checkpoints are in use, which were, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ocr_pipeline.cli.options import demand_output, output_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.release.champions import UnknownCheckpointError
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER, Contest
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace

CONTESTS = {"detector": DETECTOR, "recognizer": RECOGNIZER}
COLUMNS = ("", "when", "what", "version", "score", "why", "")


@click.command()
@output_option
def champions(workspace: Workspace) -> None:
    """The detector and the recognizer in use, and every change of them, the newest first."""
    demand_output(workspace)
    rows = [row for kind, contest in CONTESTS.items() for row in _rows(kind, contest, workspace)]
    print_table(f"champions -> {workspace.root}", COLUMNS, rows)


def _rows(kind: str, contest: Contest, workspace: Workspace) -> Iterator[tuple[str, ...]]:
    of_kind = contest.champions(workspace)
    try:
        found = of_kind.in_use()
    except UnknownCheckpointError as error:
        yield kind, "", "unknown", "", "", error.what, "refused"
        found = None
    used = found.manifest.fingerprint if found else ""
    acts = of_kind.ledger().acts[::-1]
    if found and not acts:
        yield kind, "", "stands there", used, _score(contest, found.manifest.metrics), "", "in use"
    for number, act in enumerate(acts):
        state = "in use" if number == 0 and used == act.fingerprint else ""
        yield kind, act.when, act.what, act.fingerprint, _score(contest, act.metrics), act.why, state


def _score(contest: Contest, metrics: dict[str, float]) -> str:
    return f"{contest.metric} {metrics[contest.metric]:.4f}" if contest.metric in metrics else ""


@click.command()
@click.argument("kind", type=click.Choice([*CONTESTS]))
@click.option("--to", default="", help="Version to go back to (`ocr-pipeline champions`); default: the one before.")
@click.option("--why", default="", help="Is kept in the record.")
@output_option
def rollback(kind: str, to: str, why: str, workspace: Workspace) -> None:
    """Put the champion of before in its place again.

    The one that goes is not promoted again by itself. What nobody knows in the champion's place is kept aside.
    """
    contest = CONTESTS[kind]
    with lease(lease_path(workspace, contest.champion_name, None), f"ocr-pipeline rollback {kind}"):
        manifest = contest.champions(workspace).roll_back(to, why, despite_unknown=True)
    score = _score(contest, manifest.metrics)
    click.echo(f"{kind}: {manifest.fingerprint} is in use again{f' ({score})' if score else ''}")
