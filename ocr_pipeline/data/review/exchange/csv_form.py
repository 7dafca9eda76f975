"""A table for spreadsheets: a row for each suspect, with two empty cells for what a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.data.corrections import ACTIONS
from ocr_pipeline.data.review.exchange.exported import Decided, Exported, with_crops
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.shown import read_csv, write_csv

TABLE = "suspects.csv"
_COLUMNS = ("suspect", "crop", "kind", "error_rate", "label", "reading", "decision", "new_text", "note")
_WORDS = frozenset(ACTIONS) - {"quad", "add", "forget"}


def write_table(folder: Path, exported: Exported, pictures: Pictures) -> None:
    """Write the table and its crops; text is guarded against being taken for a formula."""
    (folder / "crops").mkdir()
    with (folder / TABLE).open("w", encoding="utf-8-sig", newline="") as file:
        write_csv(file, [_COLUMNS])
        for key, suspect, crop in with_crops(exported, pictures):
            (folder / "crops" / f"{key}.jpg").write_bytes(crop)
            rate = f"{suspect.error_rate:.3f}"
            row = (key, f"crops/{key}.jpg", suspect.kind, rate, suspect.text, suspect.reading, "", "", "")
            write_csv(file, [row])


def read_table(folder: Path) -> Iterator[tuple[str, Decided | str]]:
    """Key and decision of each row, or why it cannot be understood.

    Raises:
        PipelineError: it is no such table.
    """
    try:
        with (folder / TABLE).open(encoding="utf-8-sig", newline="") as file:
            rows = list(read_csv(file))
    except (OSError, UnicodeDecodeError) as error:
        raise _no_table(folder, str(error)) from error
    if rows and not {"suspect", "decision", "new_text"} <= rows[0].keys():
        raise _no_table(folder, "columns are missing")
    yield from ((row["suspect"], _decided(row)) for row in rows)


def _decided(row: dict[str, str]) -> Decided | str:
    """A new text is decision enough; a decision without one is looked at by its word."""
    word, text, note = row["decision"].strip().casefold(), row["new_text"], row.get("note") or ""
    if word not in ("", *_WORDS):
        return f"the decision {word!r} is none of: {', '.join(sorted(_WORDS))}"
    if text and word not in ("", "text"):
        return f"there is a new text, and the decision is {word}"
    if word == "text" or text:
        return Decided("text", text, note=note)
    return Decided(word or None, note=note)  # type: ignore[arg-type]


def _no_table(folder: Path, why: str) -> PipelineError:
    return PipelineError(
        f"the table cannot be read ({why})",
        where=folder / TABLE,
        remedy="Save it as CSV in UTF-8 under its own name, with all columns that it had.",
    )
