"""How a setting is declared: as the field of a dataclass, with all that a command line, a variable and a form ask for.

    quality: Annotated[int, Setting("Of jpeg and webp.", env="CROP_QUALITY", least=1, most=100)] = 95

The type of the field says what it takes: a number, a text, a path, a switch (bool), one of several words (Literal),
several of these (``tuple[Path, ...]``), or nothing as well (``| None``).
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from pathlib import Path
from typing import Any

LARGEST = 2**32 - 1
"""No whole number that is set is above it: it is NumPy's largest seed, and libraries end with an overflow somewhere."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is said of a field in its place, and, from ``name`` on, what the field itself says.

    Attributes:
        help: a sentence for the command line, the UI and the docs.
        env: the variable it is known by, or several.
        says_off: the variable says the opposite (``AMP_DISABLE``).
        blank_counts: a variable that is set to nothing is a value; else it is as good as unset.
        least, most, above, below: bounds of a number; the latter two are outside. A number from 0 to 1 is a share,
            and ``5%`` is one too.
        form, example: what a text has to look like (a regular expression), and one that does.
        options_of, without: a group of settings: those of that class, but for some.
        kind: bool, int, float, str or Path; None where only ``choices`` are taken.
        choices: words that it takes (beside values of its kind).
        takes_none, takes_many: it may be nothing; it is a tuple.
        default: ``...`` where it must be given.
    """

    help: str
    env: str | tuple[str, ...] = ()
    says_off: bool = False
    blank_counts: bool = False
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    form: str = ""
    example: str = ""
    options_of: type | None = None
    without: tuple[str, ...] = ()
    name: str = ""
    kind: type | None = None
    choices: tuple[str, ...] = ()
    takes_none: bool = False
    takes_many: bool = False
    default: Any = ...

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.env,) if isinstance(self.env, str) else self.env

    @property
    def is_required(self) -> bool:
        return self.default is ...

    @property
    def is_share(self) -> bool:
        return self.kind is float and self.least == 0 and 1 in (self.most, self.below)

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        words = [*self.choices, *filter(None, [self._expected_kind()])]
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))

    def _expected_kind(self) -> str:
        if self.kind in (int, float):
            return f"{'a whole number' if self.kind is int else 'a number'}{self.bounds}"
        if self.kind is bool:
            return "1, true, yes or on, or to 0, false, no or off"
        named: dict[type | None, str] = {str: "a text", Path: "a path", None: ""}
        return self.example or named.get(self.kind, "a section of `key: value`")

    @property
    def bounds(self) -> str:
        """Those of a number, in words: `` from 0 to 1``."""
        bounds = ((" from", self.least), (" above", self.above), (" to", self.most), (" below", self.below))
        told = "".join(f"{word} {number:g}" for word, number in bounds if number is not None)
        return told + (" on" * told.startswith(" from") * (self.most is None and self.below is None))

    def holds(self, value: object) -> bool:
        """Whether this can be its value."""
        if value is None or value in self.choices or self.takes_many or self.options_of:
            return True
        if isinstance(value, int | float) and self.kind in (int, float):
            return self._is_within(value)
        return self.kind is not None and (not self.form or re.fullmatch(self.form, str(value)) is not None)

    def _is_within(self, number: float) -> bool:
        return (
            (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
            and number == number  # NaN is not
            and not (self.kind is int and abs(number) > LARGEST)
        )


def settings_in(settings: type) -> tuple[Setting, ...]:
    """The settings of a dataclass: what is said of each field, with what the field itself says."""
    hints = typing.get_type_hints(settings, include_extras=True)
    return tuple(_declared(field, hints[field.name]) for field in dataclasses.fields(settings))


def _declared(field: dataclasses.Field, annotated: Any) -> Setting:
    hint, said, *_ = typing.get_args(annotated)
    return dataclasses.replace(said, name=field.name, default=_default(field), **_type_of(hint))


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ... if field.default is dataclasses.MISSING else field.default


def _type_of(hint: Any) -> dict[str, Any]:
    """What a type says: ``Path | Literal["auto"] | None`` is a path, or the word auto, or nothing."""
    kind, told = None, {"choices": (), "takes_none": False, "takes_many": False}
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    for part in typing.get_args(hint) if is_union else (hint,):
        origin, arguments = typing.get_origin(part) or part, typing.get_args(part)
        if origin is type(None):
            told["takes_none"] = True
        elif origin is typing.Literal:
            told["choices"] = arguments
        else:
            told["takes_many"] = origin is tuple
            kind = arguments[0] if origin is tuple else origin
    return {"kind": kind, **told}
