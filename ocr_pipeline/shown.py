"""Text from outside (labels, names, readings, errors), made harmless for the place where it is shown."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKUP = re.compile(r"[<>&!\[\]()`|\\*~#]|(?<![^\W_])_|_(?![^\W_])")
_LINK_BEFORE = re.compile(r"https?(?=:)|www(?=\.)|@", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_FORMULA = re.compile("'*[=+\\-@\t\r]")
_NO_TEXT = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    r"""As it may stand on one line of a terminal or log: nothing in it moves the cursor, forges a line or turns text.

    Control codes, line ends and marks of direction are written as escapes, bytes of names that are no text as well.

    >>> print(visible("a\x1b[2J\n\udcb0"))
    a\x1b[2J\x0a\xb0
    """
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{byte:02x}" if byte <= 0xFF else f"\\u{byte:04x}"


def as_text(name: str) -> str:
    r"""As any file can hold it: bytes that are no text, as EUC-KR from an old archive, are written as escapes.

    >>> print(as_text("a\udcb0"))
    a\xb0
    """
    return _NO_TEXT.sub(_escape, name)


def as_glyphs(text: str) -> str:
    """With a sign for every character: one without a shape of its own stands as its code.

    >>> as_glyphs(" "), as_glyphs("\\u200ba")
    ('␣', '⟨U+200B⟩a')
    """
    if text.isspace():
        return "␣"
    return "".join(character if character.isprintable() else f"⟨U+{ord(character):04X}⟩" for character in text)


def as_markdown(text: str) -> str:
    """As it may stand within a line of Markdown or a cell of its tables: never markup, picture, link or HTML.

    Addresses, which Markdown makes links of by itself, are held apart by a sign that nobody sees.

    >>> as_markdown("![u](/x)|<b>")
    '&#33;&#91;u&#93;&#40;/x&#41;&#124;&#60;b&#62;'
    """
    apart = _LINK_BEFORE.sub(lambda found: found[0] + _WORD_JOINER, visible(text))
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", apart)


def as_cell(text: str) -> str:
    """As a cell of a CSV file that no spreadsheet takes for a formula; `from_cell` undoes it.

    A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a return gets an apostrophe before it, and so does one
    that would else read as if it had got one. Bytes of names that are no text are written as escapes, for good.

    >>> [as_cell(text) for text in ("=1+1", "'=1", "1,000")]
    ["'=1+1", "''=1", '1,000']
    """
    return "'" * bool(_FORMULA.match(text)) + as_text(text)


def from_cell(cell: str) -> str:
    """The text that `as_cell` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Rows in CSV, each text as a cell that is harmless."""
    plain = csv.writer(file, lineterminator="\n")
    quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)  # Python < 3.13 leaves a return bare
    for row in rows:
        cells = [as_cell(value) if isinstance(value, str) else value for value in row]
        (quoting if any("\r" in str(cell) for cell in cells) else plain).writerow(cells)


def read_csv(file: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of a file that `write_csv` wrote, by the names in its first line.

    Excel leaves out the empty cells at the end of a row; what stands beyond the last column is nobody's.
    """
    for row in csv.DictReader(file, restkey="", restval=""):
        row.pop("", None)
        yield {name: from_cell(cell) for name, cell in row.items()}
