"""A trial as files: the page for people, its numbers as JSON and, since no two runs agree on them, the speeds apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants import Opening, open_contestants
from ocr_pipeline.judging.crops import encoded_crops
from ocr_pipeline.judging.judgement import Judgement, judge
from ocr_pipeline.judging.labelled import LabelledPages
from ocr_pipeline.judging.mistakes import worst_mistakes
from ocr_pipeline.judging.page_html import CONFUSIONS, EXAMPLES, Shown, judgement_html
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.judging.syllables import learnt_syllables
from ocr_pipeline.judging.trial import Trial, hold_trial
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.storage.files.typed_paths import claim

PAGE, NUMBERS, SPEEDS = "judgement.html", "judgement.json", "speeds.json"


class Speed(msgspec.Struct, frozen=True):
    """What a contestant did in a second of this run; None of what it does not do."""

    pages_a_second: float | None
    boxes_a_second: float | None


class Report(NamedTuple):
    """What was found, and how fast everybody was."""

    judgement: Judgement
    speeds: dict[str, Speed]


def judge_into(
    folder: Path,
    sources: Sequence[LabelledPages],
    settings: Judging,
    workspace: Workspace,
    *,
    overwrite: bool = False,
) -> Report:
    """Hold a trial and publish its report as a folder.

    Args:
        workspace: where champions are, and what they learnt from.
        overwrite: the folder may be somebody else's.

    Raises:
        PipelineError: a contestant is not there, no page can be read, or the folder is somebody else's.
    """
    claim(folder, overwrite=overwrite, is_own=lambda path: (path / NUMBERS).is_file())
    trial = judge_pages(sources, settings, workspace)
    with publish_folder(folder) as draft:
        return write_report(trial, settings, learnt_syllables(workspace), draft)


def judge_pages(sources: Sequence[LabelledPages], settings: Judging, workspace: Workspace) -> Trial:
    """Let the contestants of the settings see all pages.

    Raises:
        PipelineError: a contestant is not there, or no page can be read.
    """
    with ExitStack() as stack:
        opening = Opening(workspace, settings.device, settings.batch_size, stack)
        trial = hold_trial(sources, open_contestants(settings.contestant, opening))
    if trial.words:
        return trial
    raise PipelineError(
        "there is no page with words to judge by",
        where=", ".join(source.name for source in sources),
        remedy="Name pages whose labels have text.",
    )


def write_report(trial: Trial, settings: Judging, known: Mapping[str, int], folder: Path) -> Report:
    """Write the three files into a folder; two trials of the same give the same bytes, but for the speeds.

    Args:
        known: how often each syllable was learnt from.
    """
    report = Report(judge(trial, known, settings.target), speeds_of(trial))
    (folder / NUMBERS).write_bytes(report.judgement.encode())
    (folder / SPEEDS).write_bytes(msgspec.json.format(msgspec.json.encode(report.speeds), indent=1) + b"\n")
    (folder / PAGE).write_text(judgement_html(_shown(trial, report.judgement, settings.examples)), encoding="utf-8")
    return report


def speeds_of(trial: Trial) -> dict[str, Speed]:
    """By contestant."""

    def speed(done: Mapping[str, int], seconds: Mapping[str, float], what: str) -> float | None:
        return round(done[what] / seconds[what], 3) if seconds.get(what) else None

    return {
        one.contestant.name: Speed(speed(one.done, one.seconds, "pages"), speed(one.done, one.seconds, "boxes"))
        for one in trial.performances
    }


def _shown(trial: Trial, judgement: Judgement, most: int) -> Shown:
    worst = worst_mistakes(trial, trial.performances[0], most)
    confused = [one for found in judgement.confusions.values() for one in found[:CONFUSIONS]]
    examples = {word for one in confused for word in one.examples[:EXAMPLES]}
    places = [mistake.place for mistakes in worst.values() for mistake in mistakes]
    places += [trial.words[word].place for word in sorted(examples)]
    return Shown(judgement, trial, worst, encoded_crops(trial, places))
