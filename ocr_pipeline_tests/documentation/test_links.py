"""What the documentation points to is there: pages, headings, pictures, files of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from ocr_pipeline_tests.documentation.pages import DOCS, PAGES, REPOSITORY, name_of, tokens

ON_ANOTHER_MACHINE = re.compile(r"[a-z]+:")


def targets(page: Path) -> Iterator[str]:
    """What links and pictures of a page point to within the repository."""
    for token in tokens(page):
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if token.type in ("link_open", "image") and not ON_ANOTHER_MACHINE.match(str(target)):
            yield str(target)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them of letters, figures and hyphens."""
    headings = [after.content for token, after in pairwise(tokens(page)) if token.type == "heading_open"]
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in targets(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(DOCS)], ids=name_of)
def test_pages_of_the_site_link_within_the_site(page: Path) -> None:
    for target in targets(page):
        assert (page.parent / target.partition("#")[0]).resolve().is_relative_to(DOCS), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(
        r"`((?:ocr_pipeline|ocr_pipeline_tests|examples|docker|docs|benchmarks)/[\w./]+)`", page.read_text()
    )
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_every_page_stands_in_the_navigation() -> None:
    def pages(nav: object) -> Iterator[str]:
        if isinstance(nav, str):
            yield nav
        else:
            for each in nav.values() if isinstance(nav, dict) else nav:
                yield from pages(each)

    shown = list(pages(yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(shown) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
