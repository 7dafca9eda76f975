"""The demo as a person runs it: progress all the time, a table at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocr_pipeline.cli.tables import COUNT_COLUMNS, count_cells, print_table
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from ocr_pipeline.demo.graph import Demo


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to work."
)
def demo(folder: Path) -> None:
    """The whole way once, over made-up pages: data, both trainings, detections, predictions."""
    start = time.monotonic()
    from dagster import DagsterInstance

    from ocr_pipeline.demo.graph import Demo, dagster_home, materialise, prepare, write_dotenv
    from ocr_pipeline.models import KOREAN_WORDS

    this = Demo(folder.absolute())
    prepare(this, KOREAN_WORDS)
    os.environ |= this.environment | {"DAGSTER_HOME": dagster_home(Path.cwd())}
    dotenv_written = write_dotenv(Path(".env"), this.environment | {"DAGSTER_HOME": os.environ["DAGSTER_HOME"]})
    with DagsterInstance.get() as instance:
        failed = list(materialise(instance, lambda run: click.echo(f"{_clock(start)} {run}", err=True)))
    if failed:
        raise PipelineError(
            f"{len(failed)} runs failed",
            where=", ".join(failed),
            remedy="Their errors stand above; `make ui` shows the runs.",
        )
    _report(this.workspace)
    _report_scores(this)
    click.echo(f"\nThe whole way took {_clock(start)}. Everything lies in {this.folder}.")
    click.echo("Open the graph: make ui, then http://127.0.0.1:3000" + (" (plain `dagster dev` too)" * dotenv_written))


def _clock(start: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    return f"{minutes}:{seconds:02d}"


def _report(workspace: Workspace) -> None:
    rows = [(name, count, *count_cells(counts), where) for name, count, counts, where in asset_rows(workspace)]
    print_table("What each asset took in and gave", ("asset", "partitions", *COUNT_COLUMNS, "files"), rows)


def asset_rows(workspace: Workspace) -> Iterator[tuple[str, int, Counts, str]]:
    """Each asset that counts pages and words: its name, number of partitions, counts, and where its files lie."""
    for stage in STAGES.values():
        found = {path: read_manifest(path) for path in stage.artifacts(workspace, PARTITIONS.values())}
        published = {path: manifest for path, manifest in found.items() if manifest}
        counts = sum((manifest.counts for manifest in published.values()), Counts())
        partitions = {manifest.partition for manifest in published.values()}
        names = sorted({path.relative_to(workspace.root).parts[0] for path in published})
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield stage.name, len(partitions), counts, "".join(names[:1]) + more


def _report_scores(this: Demo) -> None:
    from ocr_pipeline.demo.scores import score
    from ocr_pipeline.models import KOREAN_WORDS

    scores, workspace = score(this, KOREAN_WORDS), this.workspace
    found, before = scores.detector, scores.untrained
    read, base = scores.recognizer, scores.base
    rows = [
        ("detections", f"hmean {found.hmean:.3f}", f"untrained {before.hmean:.3f}", found.words, workspace.detections),
        ("predictions", f"CER {read.cer:.3f}", f"base model {base.cer:.3f}", read.count, workspace.predictions),
    ]
    print_table("On held-out pages", ("asset", "trained", "before", "words", "files"), rows)
