"""The Korean pages say what the English ones say: commands, numbers, links, messages, and the guide's own lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ocr_pipeline_tests.documentation.pages import BLOCKS, DOCS, REPOSITORY, tokens
from ocr_pipeline_tests.documentation.test_links import targets

README, README_KO = REPOSITORY / "README.md", REPOSITORY / "README.ko.md"
GUIDE = DOCS / "ko" / "guide.md"
PASTED = REPOSITORY / "ocr_pipeline_tests" / "cli" / "guide_commands.md"
"""The commands of the guide, as they are pasted there."""


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of each row, in the words of the page."""
    row: list[str] = []
    for before, token in pairwise(list(tokens(page))):
        if before.type == "tr_open":
            row = []
        elif before.type == "td_open":
            row.append(token.content)
        elif before.type == "tr_close" and row:
            yield row


def spans(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def words(text: str) -> list[str]:
    """Words of commands, with the home of the guide's machine as a home is written."""
    return shlex.split(text.replace("/home/mango", "~").replace("\\\n", " "), comments=True)


def guide_blocks(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.page == GUIDE and block.language == language]


def test_the_readme_leads_to_the_same_pages() -> None:
    own = {"README.ko.md", "docs/ko/guide.md"}
    korean = {"docs/troubleshooting.md": "docs/ko/troubleshooting.md", "docs/glossary.md": "docs/ko/glossary.md"}
    assert {korean.get(target, target) for target in targets(README)} - own <= set(targets(README_KO))


def test_the_readme_tells_the_same_numbers_and_commands() -> None:
    def told(page: Path) -> set[str]:
        text = page.read_text(encoding="utf-8")
        return set(re.findall(r"(?<![\w.])\d[\d.]*\d(?![\w])", text))

    assert told(README_KO) <= told(README)
    steps, steps_ko = ([row[1:] for row in rows(page) if "ocr-pipeline" in row[1]] for page in (README, README_KO))
    assert len(steps) == 9 and steps == steps_ko


@pytest.mark.parametrize("name", ["troubleshooting", "glossary"])
def test_no_row_of_the_english_page_is_missing(name: str) -> None:
    """Symptoms by the messages that they quote, words by themselves."""

    def keys(page: Path) -> set[str]:
        first = [row[0] for row in rows(page)]
        return {key for cell in first for key in (spans(cell) if name == "troubleshooting" else cell.split(", "))}

    assert keys(DOCS / f"{name}.md") - keys(DOCS / "ko" / f"{name}.md") == set()


def test_a_symptom_has_the_same_remedies() -> None:
    english, korean = (
        {frozenset(spans(symptom)): spans(remedy) for symptom, *_, remedy in rows(DOCS / folder / "troubleshooting.md")}
        for folder in (".", "ko")
    )
    shared = [symptom for symptom in english.keys() & korean.keys() if symptom]
    assert len(shared) > 20 and [symptom for symptom in shared if english[symptom] != korean[symptom]] == []


def test_the_guides_lines_stand_as_they_are_pasted() -> None:
    known = set(words("\n".join(re.findall(r"```bash\n(.*?)```", PASTED.read_text(encoding="utf-8"), re.DOTALL))))
    for block in guide_blocks("bash"):
        if "python" in block:
            assert set(words(block)) <= known


def test_our_lines_are_the_guides_with_another_name() -> None:
    ours = [words(block)[2:] for block in guide_blocks("sh")]
    pasted = [re.split(r"python (?:-u )?\S+\.py", block) for block in guide_blocks("bash")]
    flags = [given for *before, after in pasted if before and (given := words(after)) and given[0].startswith("--")]
    assert len(flags) == 4 and [given for given in flags if given not in ours] == []
