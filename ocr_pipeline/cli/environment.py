"""The page of all variables, made from the settings.

python -m ocr_pipeline.cli.environment > docs/environment.md
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.layout_lmdb import DrawnLayouts, LayoutSettings
from ocr_pipeline.data.quality import QualitySettings
from ocr_pipeline.data.review import SuspectSettings
from ocr_pipeline.data.synthetic.settings import SyntheticSettings, WordSetSettings
from ocr_pipeline.devices.machine import LeaseSettings, MachineSettings
from ocr_pipeline.fast.settings import FastPrediction, FastTraining
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.checks.limit import QuarantineLimit
from ocr_pipeline.orchestration.checks.suspects import SuspectLimit
from ocr_pipeline.orchestration.execution.demands import DataStepSettings
from ocr_pipeline.reading.settings import InputLimits, PageReading
from ocr_pipeline.recognition.dlora.settings import DloraData, DloraTraining
from ocr_pipeline.recognition.settings import FolderReading
from ocr_pipeline.release.contest import ChampionSettings, Promotion
from ocr_pipeline.release.sections import DloraSection, FastSection
from ocr_pipeline.serving.settings import Serving
from ocr_pipeline.settings import Setting, Settings, settings_in
from ocr_pipeline.storage.artifacts.renewal import Renewal

SETTINGS: dict[type[Settings], str] = {
    AnnotationSettings: "Word crops (step 4)",
    LayoutSettings: "Layouts (step 5)",
    FastTraining: "Training the detector (step 6)",
    FastPrediction: "Detecting (step 7)",
    DloraData: "Training data of the recognizer (step 8)",
    DloraTraining: "Training the recognizer (step 8)",
    InputLimits: "How large a file to read may be",
    PageReading: "Reading pages",
    Serving: "Serving",
    Judging: "Judging",
    FolderReading: "Reading a folder of words (step 9)",
    FastSection: "The detector's recipe",
    DloraSection: "The recognizer's recipe",
    WordSetSettings: "Drawn words",
    DrawnLayouts: "Pages drawn to order",
    SyntheticSettings: "The drawn partitions (recipe: synthetic)",
    QualitySettings: "Data quality",
    SuspectSettings: "Labels that are probably wrong",
    SuspectLimit: "How many of them there may be",
    Renewal: "How much may be lost at once",
    QuarantineLimit: "How much may be set aside",
    ChampionSettings: "Champions",
    Promotion: "A champion that a person wants",
    AutomationSettings: "Work that starts itself",
    MachineSettings: "What this machine lends",
    DataStepSettings: "What data steps use",
    LeaseSettings: "Set by the pipeline for its own steps",
}
"""Every settings class, with its chapter."""

PLACES = {
    "OCR_PIPELINE_SOURCE": "Folder or fsspec URL of the AI-Hub sets.",
    "OCR_PIPELINE_OUTPUT": "Folder or s3:// URL of all artifacts; unset: `data`.",
    "OCR_PIPELINE_MIRROR": "Where artifacts of a bucket lie on this machine; unset: in `~/.cache/ocr_pipeline`.",
    "OCR_PIPELINE_RECIPE": "The recipe file; unset: `recipe.yaml` in the output folder, if it is there.",
    "OCR_PIPELINE_LEASES": "Folder of the device leases; unset: one for this machine in `~/.local/state/ocr_pipeline`. "
    "Users who share devices name the same one, open to them all.",
    "OCR_PIPELINE_PADDLE_ENV": "Environment of paddle; unset: in the user's cache.",
    "OCR_PIPELINE_FONTS": "Folder of fonts of your own, for drawn words and pages.",
    "OCR_PIPELINE_EXECUTOR": "Where steps run: `local`, `multiprocess`, `in_process`, `ray` or `k8s`.",
}


def environment_table() -> str:
    """The page, in Markdown."""
    return "\n".join([*_lines()]) + "\n"


def _lines() -> Iterator[str]:
    yield "# Environment variables"
    yield ""
    yield "Made from the settings themselves by `python -m ocr_pipeline.cli.environment`. A switch takes 1, true, yes,"
    yield "on or 0, false, no, off; a share takes 5% as well as 0.05; what is set to nothing is as good as unset."
    yield from _chapter("Places", [(name, "", help_text) for name, help_text in PLACES.items()])
    for settings, title in SETTINGS.items():
        rows = [(variable, _default(each), each.help) for each in settings_in(settings) for variable in each.variables]
        if rows:
            yield from _chapter(title, rows)


def _chapter(title: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| variable | default | what it says |", "| --- | --- | --- |")
    yield from (f"| `{variable}` | {default} | {help_text} |" for variable, default, help_text in rows)


def _default(each: Setting) -> str:
    if each.kind is bool and not each.says_off:
        return str(int(each.default))
    return "" if each.says_off or each.default in (None, "", (), ...) else f"`{each.default}`"


if __name__ == "__main__":
    click.echo(environment_table(), nl=False)
