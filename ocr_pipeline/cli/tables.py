"""Tables on the terminal: no name is broken, whatever the width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocr_pipeline.shown import visible
from ocr_pipeline.storage.artifacts.quarantine import Counts

COUNT_COLUMNS = ("pages in", "out", "aside", "words in", "out", "aside")
_WIDTH_OF_A_FILE = 100_000  # its lines are for grep, so a row is one of them
_GAP = 2
_LEAST = 24
"""Letters that the last column gets at least; it alone may take several lines."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; numbers to the right, everything else to the left.

    Where it is too wide for the terminal, each row is a block of lines instead, one for each column.
    """
    console = _console()
    values = [list(row) for row in rows]
    cells = [[_shown(value) for value in row] for row in values]
    console.print(visible(title), style="italic", markup=False, highlight=False, soft_wrap=True)  # paths stay whole
    if _fits(columns, cells, console.width):
        numeric = [all(isinstance(row[place], int | float) for row in values) for place in range(len(columns))]
        console.print(_table(columns, cells, numeric))
    else:
        for row in cells:
            _print_block(console, columns, row)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_FILE)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def _fits(columns: Sequence[str], cells: list[list[str]], width: int) -> bool:
    widths = [max(map(_width, column)) for column in zip(columns, *cells, strict=True)]
    return sum(widths[:-1]) + _GAP * (len(widths) - 1) + min(widths[-1], _LEAST) <= width


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _table(columns: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for place, column in enumerate(columns):
        is_last = place == len(columns) - 1
        table.add_column(column, justify="right" if numeric[place] else "left", no_wrap=not is_last, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _print_block(console: Console, columns: Sequence[str], row: list[str]) -> None:
    wide = max(map(cell_len, columns))
    for column, cell in zip(columns, row, strict=True):
        if cell:
            console.print(f"{column:<{wide}}  {cell}", markup=False, highlight=False, soft_wrap=True)
    console.print()


def print_counts(title: str, rows: Iterable[tuple[str, Counts]]) -> None:
    """Pages and words in, out and set aside, one line per artifact; below it what was set aside, and why."""
    found = list(rows)
    print_table(title, ("artifact", *COUNT_COLUMNS), ((name, *count_cells(counts)) for name, counts in found))
    print_reasons(found)


def print_reasons(rows: Iterable[tuple[str, Counts]]) -> None:
    """A line for each artifact that something was set aside of."""
    for name, counts in rows:
        if told := reasons_text(counts):
            _console().print(f"{name}: {told}", markup=False, highlight=False, soft_wrap=True)


def count_cells(counts: Counts) -> tuple[int, int, int, int, int, int]:
    return (
        counts.pages_in,
        counts.pages_out,
        counts.pages_quarantined,
        counts.words_in,
        counts.words_out,
        counts.words_quarantined,
    )


def reasons_text(counts: Counts) -> str:
    parts = [f"{unit} {reason} {count:,}" for unit in counts.reasons for reason, count in counts.reasons[unit].items()]
    parts += [f"filtered {reason} {count:,}" for reason, count in counts.filtered.items()]
    return ", ".join(parts)
