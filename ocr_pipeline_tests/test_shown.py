"""Text from outside in each place where it is shown: it stays text."""

from __future__ import annotations

import csv
import html
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ocr_pipeline.shown import as_cell, as_markdown, from_cell, read_csv, visible, write_csv

WIPE = "![u](/graphql?query=mutation%7BwipeAssets(assetPartitionRanges:%5B%5D)%7B__typename%7D%7D)"
HOSTILE = [
    WIPE,
    "![t](http://127.0.0.1:23999/track.png)",
    "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<http://evil.example>",
    "![a][b]\n\n[b]: http://evil.example/x.png",
    "a | b",
    "\\| ![u](x)",
    "\\",
    "`code` **bold** __bold__ _it_ ~~gone~~",
    "&lt;img&gt; &#33;[u](x)",
    "line\r\n| new | row |",
    "a\n\n# heading\n\n- ![u](x)",
    "\u202egnp.exe",
    "[^1]: note",
]
_RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _Seen(HTMLParser):
    """The tags and the text of rendered Markdown."""

    def __init__(self, rendered: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(rendered)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def in_a_cell(text: str) -> _Seen:
    return _Seen(_RENDERER.render(f"| text |\n| --- |\n| {as_markdown(text)} |"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\u2060", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_never_as_markup(text: str) -> None:
    seen = in_a_cell(text)
    assert set(seen.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert seen.tags.count("tr") == 2 and seen.tags.count("td") == 1
    assert squeezed(seen.text) == "text" + squeezed(visible(text))


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("![]()<>&`|\\*_~#:/\n")))
def test_whatever_a_text_holds_it_stays_one_cell_of_plain_text(text: str) -> None:
    seen = in_a_cell("x" + text)
    assert seen.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td"]
    assert squeezed(seen.text) == "textx" + squeezed(visible(text))


@pytest.mark.parametrize(
    "text", ["see http://evil.example/x", "HTTPS://evil.example", "www.evil.example", "a@evil.example"]
)
def test_addresses_are_no_links_even_where_markdown_makes_them_by_itself(text: str) -> None:
    found_by_gfm = r"(https?://|www(?=\.))([-.\w]+)|([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)"
    assert re.search(found_by_gfm, text, re.IGNORECASE)
    assert not re.search(found_by_gfm, html.unescape(as_markdown(text)), re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;pwn\x07.json", r"\x1b[2J\x1b]0;pwn\x07.json"),
        ("a\nb\rc\td\0", r"a\x0ab\x0dc\x09d\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp", r"\u202egnp"),
        ("\udcb0\udcf1.jpg", r"\xb0\xf1.jpg"),
        ("\ud83d", r"\ud83d"),
        ("한글 (가) €", "한글 (가) €"),
    ],
)
def test_what_would_act_on_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_any_text_can_be_written_and_stays_on_its_line(text: str) -> None:
    assert len(visible(text).encode().decode().splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' _C calc'!A0.jpg", "'=cmd|' _C calc'!A0.jpg"),
        ("+82-10", "'+82-10"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("'가'", "'가'"),
        ("1,000", "1,000"),
        ("a=b", "a=b"),
    ],
)
def test_no_cell_is_a_formula_and_each_comes_back(text: str, cell: str) -> None:
    assert (as_cell(text), from_cell(cell)) == (cell, text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'=+-@\t\r\n,\"")), min_size=1))
def test_a_csv_of_any_texts_comes_back_and_computes_nothing(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    write_csv(file, [["text", "number"], *([text, -1] for text in texts)])
    file.seek(0)
    cells = [row[0] for row in csv.reader(io.StringIO(file.getvalue(), newline=""))]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert list(read_csv(file)) == [{"text": text, "number": "-1"} for text in texts]


def test_names_that_are_no_utf8_are_written_as_escapes() -> None:
    assert as_cell("=\udcb0.jpg") == r"'=\xb0.jpg"


def test_a_csv_that_excel_cut_short_or_somebody_wrote_beside_is_read() -> None:
    rows = list(read_csv(["a,b,c\n", "1\n", "1,2,3,4,5\n"]))
    assert rows == [{"a": "1", "b": "", "c": ""}, {"a": "1", "b": "2", "c": "3"}]
