"""The forms by their names: what writes a folder of one, and what reads its decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from ocr_pipeline.data.review.exchange.csv_form import TABLE, read_table, write_table
from ocr_pipeline.data.review.exchange.exported import NAME, Decided, Exported
from ocr_pipeline.data.review.exchange.label_studio import read_export, write_tasks
from ocr_pipeline.data.review.exchange.ppocrlabel import LABELS, read_folder, write_folder
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.data.review.sitting import Sitting, is_sitting, keep_if_sound, read_sitting
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.publishing import publish_folder

Write = Callable[[Path, Exported, Pictures], None]

FORMS: dict[str, Write] = {"csv": write_table, "ppocrlabel": write_folder, "label-studio": write_tasks}
"""Each writes into an empty folder."""


def export_suspects(folder: Path, form: str, exported: Exported, pictures: Pictures) -> None:
    """Give suspects to another program: a folder that appears whole.

    Raises:
        PipelineError: it cannot be written.
    """
    with publish_folder(folder) as draft:
        FORMS[form](draft, exported, pictures)
        exported.write(draft)


def read_review(path: Path) -> Sitting:
    """What was decided: on the review page, or in a folder that was exported, as another program left it.

    A JSON export of Label Studio lies in the folder that was exported, under any name.

    Raises:
        PipelineError: it is none of these, or damaged.
    """
    if path.is_file() and is_sitting(path):
        return read_sitting(path)
    folder = path if path.is_dir() else path.parent
    if not (folder / NAME).is_file():
        raise PipelineError(
            "this is neither what the review page saved nor what was exported",
            where=path,
            remedy="Give the .json that the page saved, or the folder that `ocr-pipeline review export` made, whole.",
        )
    exported = Exported.read(folder)
    file, decisions = _decisions(path, folder, exported)
    when = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
    sitting = Sitting(exported.partition, [], [])
    for key, decided in decisions:
        _take(sitting, exported, key, decided, when)
    return sitting


def _decisions(path: Path, folder: Path, exported: Exported) -> tuple[Path, Iterator[tuple[str, Decided | str]]]:
    if path.is_file() and path.suffix == ".json":
        return path, read_export(path)
    if (folder / LABELS).exists():
        return folder / LABELS, read_folder(folder, exported)
    if not (folder / TABLE).is_file():
        raise PipelineError(
            "nothing that was decided is here",
            where=path,
            remedy=f"Put Label Studio's JSON export here and name that file, or {LABELS} or {TABLE} as they came back.",
        )
    return folder / TABLE, read_table(folder)


def _take(sitting: Sitting, exported: Exported, key: str, decided: Decided | str, when: datetime) -> None:
    suspect = exported.find(key)
    if suspect is None:
        sitting.unmatched.append(f"{key or 'something without a key'}: it is none of the suspects that were exported")
    elif isinstance(decided, str):
        sitting.unmatched.append(f"{key} ({suspect.image} word {suspect.word}): {decided}")
    elif decided.action:
        keep_if_sound(sitting, decided.of(suspect, exported.review, when))
