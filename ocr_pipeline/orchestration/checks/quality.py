"""Checks on how good the data is: leaks stop a run, everything else is worth a look."""

from collections.abc import Callable

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import Quality, read_quality
from ocr_pipeline.orchestration.assets.quality import data_quality
from ocr_pipeline.orchestration.checks.step import ERROR, WARN, Finding, PartitionCheck, check_step
from ocr_pipeline.storage.artifacts.workspace import Workspace

Found = Callable[[Quality], list[str]]
"""What is wrong, one line each; empty if all is well."""

_SHOWN = 20


def leaks(quality: Quality) -> list[str]:
    return _groups(quality, "leaks")


def duplicates(quality: Quality) -> list[str]:
    return _groups(quality, "duplicates")


def other_counts(quality: Quality) -> list[str]:
    return [
        f"{each.found:,} {each.what} came in, {each.published:,} are known"
        for each in quality.published
        if each.state == "differs"
    ]


def words_beyond(quality: Quality) -> list[str]:
    count = quality.boxes.wholly_outside
    return [f"{count:,} of {quality.word_count:,} words"] if count else []


def labels_of(kind: str) -> Found:
    def labels(quality: Quality) -> list[str]:
        suspicion = quality.suspicions[kind]
        return [f"{suspicion.count:,} labels"] * bool(suspicion.count) + [
            f"{place.text!a} in {place.label}, word {place.word}" for place in suspicion.examples
        ]

    return labels


def _groups(quality: Quality, which: str) -> list[str]:
    alike = getattr(quality.comparison, which)
    return [f"{alike.groups:,} groups of {alike.pages:,} pages"] * bool(alike.groups) + [
        f"same {group.by}: " + " = ".join(f"{page.split} {page.path or page.image}" for page in group.pages)
        for group in alike.examples
    ]


def _check(name: str, description: str, found: Found, *, stops: bool = False) -> PartitionCheck:
    def find(workspace: Workspace, partition: SourcePartition) -> Finding:
        quality = read_quality(workspace.quality(partition.key))
        wrong = found(quality)
        shown = {"found": wrong[:_SHOWN], "pictures_not_compared": quality.comparison.not_compared}
        return Finding(not wrong, shown, ERROR if stops else WARN)

    return PartitionCheck(name, description, find, blocking=stops)


QUALITY_CHECKS = check_step(
    data_quality,
    [
        _check("no_leaks", "No page stands in training and validation data at once.", leaks, stops=True),
        _check("no_duplicate_pictures", "No two pages have the same picture.", duplicates),
        _check("no_private_use", "No label holds private-use characters.", labels_of("private_use")),
        _check(
            "no_split_jamo", "No label is typed in single letters, where nobody writes so.", labels_of("split_jamo")
        ),
        _check("no_unprintable", "No label holds characters that cannot be seen.", labels_of("unprintable")),
        _check("words_on_their_page", "No word lies beyond its page.", words_beyond),
        _check(
            "counts_as_known", "As many pages and words as the set is known to hold, or clearly a sample.", other_counts
        ),
    ],
)
