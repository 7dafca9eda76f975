"""What is written down of settings: in manifests, keys of trainings and fingerprints.

What was made before there was a setting was made as its default makes it. So a field that a later version adds says so,

    shade: Annotated[int, Setting("Of the paper."), LATER] = 0

and is written down only where it is not as by default: then nothing that was made before becomes another thing by it.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

LATER = object()
"""Said of a field that came after the first artifacts were made with its record."""


def recorded(settings: Any, *names: str) -> dict[str, Any]:
    """Settings (a dataclass or a struct) by name, with those inside of them; of a later field only another value.

    Args:
        names: fields that count; none: all.
    """
    return {name: recorded(value) if _is_record(value) else value for name, value in _told(settings, names)}


def described(settings: Any) -> str:
    """The same as a text for fingerprints: that of ``repr``."""
    if not _is_record(settings):
        return str(settings)
    told = (f"{name}={described(value) if _is_record(value) else repr(value)}" for name, value in _told(settings))
    return f"{type(settings).__name__}({', '.join(told)})"


def left_out(settings: Any) -> dict[str, None]:
    """The later fields that are not written down, for who compares with what once was."""
    return dict.fromkeys(later_defaults(type(settings)).keys() - dict(_told(settings)).keys())


def as_before(values: Mapping[str, Any], of: type) -> dict[str, Any]:
    """What is written down of plain values, those inside of them included, of a record of that type."""
    later, inner = later_defaults(of), _records_in(of)
    return {
        name: as_before(value, inner[name]) if name in inner else value
        for name, value in values.items()
        if name not in later or later[name] != value
    }


def later_defaults(of: type) -> dict[str, Any]:
    """The later fields of a record, with their defaults."""
    hints = typing.get_type_hints(of, include_extras=True)
    return {name: default for name, default in _fields(of) if LATER in typing.get_args(hints[name])[1:]}


def _records_in(of: type) -> dict[str, type]:
    return {name: type(default) for name, default in _fields(of) if _is_record(default)}


def _told(settings: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    later = later_defaults(type(settings))
    for name, _ in _fields(type(settings)):
        value = getattr(settings, name)
        if (name in names or not names) and (name not in later or later[name] != value):
            yield name, value


def _is_record(value: object) -> bool:
    return isinstance(value, msgspec.Struct) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _fields(of: Any) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(of) if issubclass(of, msgspec.Struct) else dataclasses.fields(of):
        made: Any = field.default_factory
        yield field.name, made() if callable(made) else field.default
