"""The champions on the validation pages that are published, beside those before them and the shipped weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.data.datasets import EVERY_PARTITION, SourcePartition, source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants.own import has_before
from ocr_pipeline.judging.judgement import Judgement
from ocr_pipeline.judging.labelled import labelled_partition, published_pages
from ocr_pipeline.judging.report import NUMBERS, PAGE, judge_pages, write_report
from ocr_pipeline.judging.settings import CODE_VERSION, Judging
from ocr_pipeline.judging.syllables import learnt_syllables
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.settings import recorded
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, here_manifest, read_manifest
from ocr_pipeline.storage.artifacts.publication import publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of


def usual_contestants(workspace: Workspace) -> tuple[str, ...]:
    """The champions, those before them if there are any, and the shipped weights."""
    return ("champion", *(("before",) if has_before(workspace) else ()), "shipped")


def judge_champions(workspace: Workspace, partitions: Sequence[str], settings: Judging) -> Manifest:
    """Judge on the validation pages of partitions, of all that are published where none is named.

    Nothing is done where the same pages, champions and settings were judged before.

    Raises:
        PipelineError: no validation pages are published, or a contestant is not there.
    """
    chosen = [source_partition(key) for key in partitions] or _with_valid_pages(workspace)
    with publication(
        workspace.judgement,
        stage="judgement",
        partition=", ".join(partition.key for partition in chosen),
        code_version=CODE_VERSION,
        settings=_recorded(settings),
        inputs=_inputs(workspace, chosen),
        has_quarantine=False,
    ) as made:
        if made.current is None:
            trial = judge_pages(
                [labelled_partition(one, workspace, settings.most_pages) for one in chosen], settings, workspace
            )
            with made.folder() as draft:
                judgement = write_report(trial, settings, learnt_syllables(workspace), draft).judgement
                made.fingerprint = fingerprint_of(fingerprint_file(draft / name) for name in (PAGE, NUMBERS))
            made.lead_back_to(*(published_pages(one, workspace) for one in chosen))
            made.metrics, made.counts = metrics_of(judgement), _counts(judgement)
    return made.manifest


def read_judgement(folder: Path) -> Judgement:
    """The numbers of a report."""
    return msgspec.json.decode((folder / NUMBERS).read_bytes(), type=Judgement)


def metrics_of(judgement: Judgement) -> dict[str, float]:
    """Every number without its interval: ``champion/cer``."""
    return {
        f"{contestant}/{name}": found.value
        for name, by_contestant in judgement.measures.items()
        for contestant, found in by_contestant.items()
        if found.value is not None
    }


def _with_valid_pages(workspace: Workspace) -> list[SourcePartition]:
    found = [
        one for one in EVERY_PARTITION.values() if "valid" in one.splits and _words(published_pages(one, workspace))
    ]
    if found:
        return found
    raise PipelineError(
        "no validation pages are published",
        where=workspace.root,
        remedy="Materialise layout_lmdb of a valid partition.",
    )


def _words(artifact: Path) -> int:
    manifest = read_manifest(artifact)
    return manifest.counts.words_out if manifest else 0


def _inputs(workspace: Workspace, partitions: Iterable[SourcePartition]) -> list[Input]:
    """The pages, the champions and those before them."""
    layouts = [published_pages(partition, workspace) for partition in partitions]
    champions = [contest.champions(workspace) for contest in (DETECTOR, RECOGNIZER)]
    before = [each.previous for each in champions]
    in_use = [contest.in_use(workspace) for contest in (DETECTOR, RECOGNIZER)]
    named = [(path.name, here_manifest(path)) for path in (*layouts, *before)]
    named += [(f"{model.manifest.stage} in use", model.manifest) for model in in_use]
    return [Input(name, manifest.fingerprint) for name, manifest in named if manifest]


def _recorded(settings: Judging) -> dict[str, Any]:
    """What the numbers depend on."""
    told = recorded(settings) | {"contestant": list(settings.contestant)}
    return {name: value for name, value in told.items() if name not in ("device", "batch_size")}


def _counts(judgement: Judgement) -> Counts:
    pages, unread = sum(judgement.pages.values()), len(judgement.errors)
    reasons: dict[str, dict[str, int]] = {"page": {"image_unreadable": unread} if unread else {}, "word": {}}
    return Counts(pages + unread, pages, judgement.words, judgement.words, reasons)
