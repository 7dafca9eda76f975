"""Every reason for which the code sets something aside is explained, and no other one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ocr_pipeline
from ocr_pipeline.data.layout_lmdb import LayoutSettings
from ocr_pipeline.data.quarantine_reasons import REASONS
from ocr_pipeline.settings import settings_in

PACKAGE = Path(ocr_pipeline.__file__).parent
PLACE = {
    "set_aside": (0, 1),
    "page_aside": (1,),
    "set_aside_word": (1,),
    "Quarantined": (1,),
    "_no_crop": (2,),
    "SampleError": (0,),
    "Undecodable": (0,),
    "RefusedPage": (2,),
}
"""Where the reason may stand among what a function is given; of a word's `set_aside` it comes after the page."""

(SAMPLES,) = (each for each in settings_in(LayoutSettings) if each.name == "samples")
CUT = sorted(set(SAMPLES.choices) - {"page"})
"""What samples are cut out of; a word that is in none of them is set aside by its name."""


def nodes() -> Iterator[ast.AST]:
    for path in [PACKAGE / "page.py", *(PACKAGE / "data").rglob("*.py")]:
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def reasons() -> Iterator[str]:
    """The reasons that stand as text in the code."""
    for node in nodes():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [node.args[place] for place in PLACE.get(name, ()) if place < len(node.args)]
            given += [each.value for each in node.keywords if each.arg == "reason"]
            yield from next(filter(None, map(texts, given)), [])
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "reason":
            yield from texts(node.value)
    yield from (f"no_{choice}" for choice in CUT)


def texts(value: ast.expr) -> list[str]:
    """What a piece of code says: a text, or one of two."""
    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    return [each.value for each in branches if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def constants() -> Iterator[str]:
    """Every text in the code but for where reasons are explained, and where faults are planted."""
    for path in {*PACKAGE.rglob("data/**/*.py")} - {PACKAGE / "data" / "quarantine_reasons.py"}:
        if "synthetic" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_reason_in_the_code_is_explained() -> None:
    assert sorted(set(reasons()) - set(REASONS)) == []


def test_what_is_explained_is_a_reason_in_the_code() -> None:
    assert sorted(set(REASONS) - {*constants(), *reasons()}) == []
