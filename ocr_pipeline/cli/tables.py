"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocr_pipeline.shown import visible
from ocr_pipeline.storage.artifacts.quarantine import Counts

COUNT_COLUMNS = ("pages in", "out", "aside", "words in", "out", "aside", "set aside because")
_WIDTH_OF_A_FILE = 150


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; numbers to the right, everything else to the left."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_FILE)
    table = Table(box=box.SIMPLE_HEAD)
    cells = [list(row) for row in rows]
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], int | float) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", min_width=len(column))
    for row in cells:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else Text(visible(str(value))) for value in row))
    console.print(
        visible(title), style="italic", markup=False, highlight=False, soft_wrap=True
    )  # paths stay in one piece
    console.print(table)


def print_counts(title: str, rows: Iterable[tuple[str, Counts]]) -> None:
    """Pages and words in, out and set aside, one line per artifact."""
    print_table(title, ("artifact", *COUNT_COLUMNS), ((name, *count_cells(counts)) for name, counts in rows))


def count_cells(counts: Counts) -> tuple[int, int, int, int, int, int, str]:
    return (
        counts.pages_in,
        counts.pages_out,
        counts.pages_quarantined,
        counts.words_in,
        counts.words_out,
        counts.words_quarantined,
        reasons_text(counts),
    )


def reasons_text(counts: Counts) -> str:
    parts = [f"{unit} {reason} {count:,}" for unit in counts.reasons for reason, count in counts.reasons[unit].items()]
    parts += [f"filtered {reason} {count:,}" for reason, count in counts.filtered.items()]
    return ", ".join(parts)
