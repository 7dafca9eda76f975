"""The file of one sitting: what a person said of the labels of one partition, as the review page saves it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ocr_pipeline.data.corrections import Action, Correction
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quad, is_unicode, nfc, word_state
from ocr_pipeline.storage.files.publishing import publish_file

FORMAT = "ocr_pipeline.review/1"


class Sitting(NamedTuple):
    """What was said in one sitting.

    Attributes:
        partition: whose labels.
        corrections: one for each decision, in the order in which they were taken.
        unmatched: what cannot be told whose it is, or cannot be done, each in one line for a person.
    """

    partition: str
    corrections: list[Correction]
    unmatched: list[str]


class _Decision(msgspec.Struct, kw_only=True, omit_defaults=True):
    label: str
    image: str
    word: int
    action: Action
    before: str
    when: datetime
    after: str = ""
    before_quad: Quad | None = None
    after_quad: Quad | None = None
    why: str = ""
    note: str = ""


class _File(msgspec.Struct, kw_only=True):
    format: str
    partition: str
    review: str
    who: str = ""
    decisions: list[_Decision] = []


def is_sitting(path: Path) -> bool:
    """Whether a file begins as `write_sitting` and the review page begin one."""
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(200)


def read_sitting(path: Path) -> Sitting:
    """Read what the review page saved.

    Raises:
        PipelineError: it is no such file, or of a partition that there is not.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"this is no saved review ({error})", where=path, remedy="Save it again from the review page (key S)."
        ) from error
    source_partition(saved.partition)
    sitting = Sitting(saved.partition, [], [])
    for decision in saved.decisions:
        row = Correction(**msgspec.structs.asdict(decision), who=saved.who, review=saved.review)
        keep_if_sound(sitting, row)
    return sitting


def write_sitting(path: Path, partition: str, review: str, who: str, rows: list[Correction]) -> None:
    """Write the same form: for tests, and for who takes decisions by a program."""
    fields = _Decision.__struct_fields__
    decisions = [_Decision(**{name: getattr(row, name) for name in fields}) for row in rows]
    saved = _File(format=FORMAT, partition=partition, review=review, who=who, decisions=decisions)
    with publish_file(path) as draft:
        draft.write_bytes(msgspec.json.encode(saved))


def keep_if_sound(sitting: Sitting, row: Correction) -> None:
    """Take a correction over in NFC; one that cannot be carried out is named instead."""
    row = replace(row, before=nfc(row.before), after=nfc(row.after), label=nfc(row.label), image=nfc(row.image))
    if fault := _fault(row):
        sitting.unmatched.append(f"{row.image} word {row.word} ({row.before!r}): {fault}")
    else:
        sitting.corrections.append(row)


def _fault(row: Correction) -> str:
    if row.when.tzinfo is None:
        return "its time has no zone"
    if not all(map(is_unicode, (row.before, row.after, row.label, row.image, row.note, row.who, row.review))):
        return "it holds half a character"
    if row.action == "forget":
        return "a page is forgotten by `ocr-pipeline forget` alone"
    if row.action == "text" and word_state(row.after) == "ignore":
        return "the new text says nothing; `ignore` or `delete` is meant"
    if row.action in ("quad", "add") and row.after_quad is None:
        return "there are no new corners"
    return ""
