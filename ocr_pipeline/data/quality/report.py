"""All measured partitions -> ``quality/report.html``: one file that shows the numbers and what they point at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.quality.partition_section import link, partition_section, shown_number, state_tag
from ocr_pipeline.data.quality.record import Quality
from ocr_pipeline.data.quality.stage import read_quality
from ocr_pipeline.data.quality.style import STYLE
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.files.publishing import publish_text

_COLUMNS = (
    "partition",
    "pages",
    "known",
    "",
    "words",
    "crops",
    "characters",
    "seen &lt; 5×",
    "leave<br>their page",
    "suspicious<br>labels",
    "duplicate<br>pages",
    "leaks",
)


def write_report(workspace: Workspace) -> Path:
    """Publish the report over all partitions that are measured by now.

    Its size does not depend on how much data there is: numbers, and a fixed number of small pictures per partition.
    """
    target = workspace.quality_report
    with file_lock(target):
        found = [workspace.quality(key) for key in PARTITIONS]
        publish_text(target, report_html([read_quality(path) for path in found if read_manifest(path)]))
        if depot := depot_of(target):
            depot.send_file(target)
    return target


def report_html(measured: Sequence[Quality]) -> str:
    """The report as one HTML document."""
    filled = [quality for quality in measured if quality.page_count]
    absent = [quality.partition for quality in measured if not quality.page_count]
    lead = f"{len(filled)} partitions with pages." + (f" Without: {', '.join(absent)}." if absent else "")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Data quality</title><style>{STYLE}</style></head><body><main>"
        f'<h1>Data quality</h1><p class="lead">What the labels and pictures are like before anything is trained on '
        f"them. {escape(lead)}</p>{_cards(filled)}{_overview(filled)}"
        f"{''.join(map(partition_section, filled))}{_footer()}</main></body></html>\n"
    )


def _cards(measured: Sequence[Quality]) -> str:
    characters = {character for quality in measured for character in quality.characters}
    duplicates = sum(quality.comparison.duplicates.groups > 0 for quality in measured)
    suspicious = sum(each.count for quality in measured for each in quality.suspicions.values())
    differing = sum(each.state == "differs" for quality in measured for each in quality.published)
    return "".join(
        [
            '<div class="cards">',
            _card(sum(quality.page_count for quality in measured), "pages", ""),
            _card(sum(quality.word_count for quality in measured), "words", ""),
            _card(len(characters), "different characters", ""),
            _card(_leaks(measured), "leaks between training and validation", "bad"),
            _card(duplicates, "partitions with equal pictures", "warn"),
            _card(suspicious, "suspicious labels", "warn"),
            _card(differing, "counts that differ from the known ones", "warn"),
            "</div>",
        ]
    )


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


def _card(number: int, what: str, kind: str) -> str:
    return f'<div class="card {kind if number else ""}"><b>{number:,}</b><span>{escape(what)}</span></div>'


def _overview(measured: Iterable[Quality]) -> str:
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "".join(_overview_row(quality) for quality in measured)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _overview_row(quality: Quality) -> str:
    published = quality.published[0]
    rare = sum(count < 5 for count in quality.characters.values())
    cells = [
        link(quality.partition),
        f"{quality.page_count:,}",
        "" if published.published is None else f"{published.published:,}",
        state_tag(published.state),
        f"{quality.word_count:,}",
        shown_number(_crops(quality)),
        f"{len(quality.characters):,}",
        shown_number(rare),
        shown_number(quality.boxes.partly_outside + quality.boxes.wholly_outside),
        shown_number(sum(each.count for each in quality.suspicions.values())),
        shown_number(quality.comparison.duplicates.pages, "warn"),
        shown_number(quality.comparison.leaks.groups, "bad"),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _footer() -> str:
    return (
        "<footer>Known numbers of pages are those published for the sets or counted on complete copies; a set with "
        "less than half of them counts as a sample. Texts are counted in NFC, without words that have no legible "
        "transcription. The pictures are those of the labelled pages and must not leave the house.</footer>"
    )
