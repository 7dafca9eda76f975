"""All measured partitions -> ``quality/report.html``: one file that shows the numbers and what they point at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.data.quality.charts import bars, rarity, short
from ocr_pipeline.data.quality.labels import KINDS
from ocr_pipeline.data.quality.record import Quality
from ocr_pipeline.data.quality.stage import read_quality
from ocr_pipeline.html import templates as templates_in
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.files.publishing import publish_text


def write_report(workspace: Workspace) -> Path:
    """Publish the report over all partitions that are measured by now.

    Its size does not depend on how much data there is: numbers, and a fixed number of small pictures per partition.
    """
    target = workspace.quality_report
    with file_lock(target):
        found = [workspace.quality(key) for key in EVERY_PARTITION]
        publish_text(target, report_html([read_quality(path) for path in found if read_manifest(path)]))
        if depot := depot_of(target):
            depot.send_file(target)
    return target


def report_html(measured: Sequence[Quality]) -> str:
    """The report as one HTML document."""
    filled = [quality for quality in measured if quality.page_count]
    return (
        templates()
        .get_template("report.html")
        .render(
            measured=filled,
            absent=[quality.partition for quality in measured if not quality.page_count],
            characters=len({character for quality in filled for character in quality.characters}),
            leaks=_leaks(filled),
            kinds=KINDS,
        )
    )


def templates() -> Environment:
    """The report's templates."""
    folder = Path(__file__).with_name("templates")
    return templates_in(folder, bars=bars, crops=_crops, ord=ord, rarity=rarity, short=short)


def _leaks(measured: Iterable[Quality]) -> int:
    """Each leak once: the training and the validation partition of a set both report it, and the latter all."""
    most: dict[str, int] = {}
    for quality in measured:
        most[quality.dataset] = max(most.get(quality.dataset, 0), quality.comparison.leaks.groups)
    return sum(most.values())


def _crops(quality: Quality) -> int:
    """Crops of all splits, in the format that has most."""
    by_format: Counter[str] = Counter()
    for name, count in quality.crops.items():
        by_format[name.rpartition(".")[2]] += count
    return max(by_format.values(), default=0)
