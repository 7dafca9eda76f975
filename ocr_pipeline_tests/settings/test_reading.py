"""The border that settings cross: what is taken, and what is refused with the words that would have been taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings


@dataclass(frozen=True)
class Kitchen(Settings):
    """One setting of each kind."""

    switch: Annotated[bool, Setting("A switch.", env=("KITCHEN_SWITCH", "KITCHEN_OTHER"))] = False
    opposite: Annotated[bool, Setting("Another.", env="KITCHEN_OFF", says_off=True)] = True
    count: Annotated[int | None, Setting("A count.", env="KITCHEN_COUNT", least=1)] = None
    share: Annotated[float, Setting("A share.", env="KITCHEN_SHARE", least=0, most=1)] = 0.5
    rate: Annotated[float, Setting("A rate.", env="KITCHEN_RATE", above=0)] = 1.0
    word: Annotated[Literal["one", "two"], Setting("A word.", env="KITCHEN_WORD")] = "one"
    paths: Annotated[tuple[Path, ...], Setting("Paths.", env="KITCHEN_PATHS")] = ()
    resume: Annotated[Path | Literal["auto"] | None, Setting("Path or word.", env="KITCHEN_RESUME")] = None
    cron: Annotated[str | None, Setting("A cron line.", env="KITCHEN_CRON", form=r"\S+( \S+){4}", example="...")] = None


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        *(("KITCHEN_SWITCH", text, "switch", True) for text in ("1", "true", "Yes", "ON")),
        *(("KITCHEN_SWITCH", text, "switch", False) for text in ("0", "false", "No", "off", "")),
        ("KITCHEN_OTHER", "1", "switch", True),
        ("KITCHEN_OFF", "1", "opposite", False),
        ("KITCHEN_OFF", "0", "opposite", True),
        ("KITCHEN_COUNT", "12", "count", 12),
        ("KITCHEN_SHARE", "5%", "share", 0.05),
        ("KITCHEN_SHARE", "0.25", "share", 0.25),
        ("KITCHEN_RATE", "1e-4", "rate", 1e-4),
        ("KITCHEN_WORD", "TWO", "word", "two"),
        ("KITCHEN_PATHS", "/a:/b", "paths", (Path("/a"), Path("/b"))),
        ("KITCHEN_RESUME", "auto", "resume", "auto"),
        ("KITCHEN_RESUME", "/a/b.pth", "resume", Path("/a/b.pth")),
        ("KITCHEN_CRON", "0 3 * * *", "cron", "0 3 * * *"),
        ("KITCHEN_CRON", "off", "cron", None),
    ],
)
def test_text_is_read_as_the_field_has_it(variable: str, text: str, field: str, value: object) -> None:
    read = getattr(Kitchen.from_environment({variable: text}), field)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("variable", "text", "remedy"),
    [
        ("KITCHEN_SWITCH", "maybe", "1, true, yes or on"),
        ("KITCHEN_SWITCH", "2", "1, true, yes or on"),
        *(("KITCHEN_COUNT", text, "a whole number from 1 on") for text in ("0", "-3", "1.5", "many", "²", "5%")),
        *(("KITCHEN_SHARE", text, "from 0 to 1") for text in ("-0.1", "200%", "nan", "inf", "half", "%")),
        *(("KITCHEN_RATE", text, "a number above 0") for text in ("0", "5%", "-inf", "nan")),
        ("KITCHEN_WORD", "three", "one or two"),
        ("KITCHEN_CRON", "at night", r"\.\.\."),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_variable(variable: str, text: str, remedy: str) -> None:
    with pytest.raises(PipelineError, match=f"{variable}.*{remedy}"):
        Kitchen.from_environment({variable: text})


def test_of_two_variables_one_that_is_on_suffices() -> None:
    assert Kitchen.from_environment({"KITCHEN_SWITCH": "0", "KITCHEN_OTHER": "1"}).switch


@pytest.mark.parametrize("wrong", [{"count": 0}, {"share": float("nan")}, {"word": "three"}, {"rate": -1}])
def test_code_cannot_make_what_cannot_be_either(wrong: dict[str, object]) -> None:
    with pytest.raises(PipelineError, match=next(iter(wrong))):
        Kitchen.from_layers(wrong)


def test_typed_values_pass_the_same_border() -> None:
    read = Kitchen.read_named({"count": 3, "rate": "1e-4", "paths": ["/a"], "switch": True, "resume": None}, "recipe")
    assert read == {"count": 3, "rate": 1e-4, "paths": (Path("/a"),), "switch": True, "resume": None}
    for wrong in ({"count": True}, {"count": 1.5}, {"switch": "perhaps"}, {"paths": 3}, {"word": ["one"]}):
        with pytest.raises(PipelineError, match=f"recipe, {next(iter(wrong))}"):
            Kitchen.read_named(wrong, "recipe")
    with pytest.raises(PipelineError, match="Did you mean switch"):
        Kitchen.read_named({"swich": True}, "recipe")


def test_later_layers_win() -> None:
    assert Kitchen.from_layers({"count": 1, "share": 0.1}, {"count": 2}) == Kitchen(count=2, share=0.1)
