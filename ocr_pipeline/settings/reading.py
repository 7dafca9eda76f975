"""The one border that settings cross from outside: variables, flags, recipe files and forms of the UI.

Text is read as the type that the field has: a switch is 1, true, yes, on or 0, false, no, off; ``5%`` is a share. What
is no number, not finite or out of its range is refused, and so is a name that there is none of.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings.declaring import LARGEST, Setting, settings_in
from ocr_pipeline.settings.places import as_it_lies

ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")
_ALIKE = 0.93  # two names of which one has a letter more or another one

S = TypeVar("S", bound="Settings")
Values = dict[str, Any]
"""Field -> value, of its type."""


class Settings:
    """Base of every settings dataclass: its fields are annotated with a `Setting`, and none holds what it cannot be.

    Raises:
        PipelineError: a value is out of its range, or none of its choices.
    """

    def __post_init__(self) -> None:
        for each in settings_in(type(self)):
            if not each.holds(value := getattr(self, each.name)):
                raise _refused(each, value, each.name)

    @classmethod
    def read_environment(cls, environment: Mapping[str, str]) -> Values:
        """What the variables say, of the fields that have one which is set.

        A switch with several variables is on if one of them says so.

        Raises:
            PipelineError: a variable holds what it cannot mean, or one that is set is a misspelling of one of these.
        """
        demand_spelled([variable for each in settings_in(cls) for variable in each.variables], environment)
        told = {each.name: list(_told(each, environment)) for each in settings_in(cls)}
        return {name: max(values) if values[0] is False else values[0] for name, values in told.items() if values}

    @classmethod
    def read_named(cls, given: Mapping[str, object], where: str, *, without: Iterable[str] = ()) -> Values:
        """What a section of a recipe, or a form of the UI, says.

        Args:
            without: fields that cannot be given there.

        Raises:
            PipelineError: there is no setting of such a name, or it cannot have that value.
        """
        known = {each.name: each for each in settings_in(cls) if each.name not in without}
        for name in given:
            if name not in known:
                raise no_such(name, _names(known.values()), where)
        return {name: read(known[name], value, f"{where}, {name}") for name, value in given.items()}

    @classmethod
    def from_layers(cls: type[S], *layers: Values) -> S:
        """Settings from several sources; the later ones win.

        Raises:
            PipelineError: the values do not go together.
        """
        make: Callable[..., S] = cls
        return make(**{name: value for layer in layers for name, value in layer.items()})

    @classmethod
    def from_environment(cls: type[S], environment: Mapping[str, str], **otherwise: Any) -> S:
        """Settings as the variables say; ``otherwise`` where they are silent.

        Raises:
            PipelineError: a variable holds what it cannot mean.
        """
        return cls.from_layers(otherwise, cls.read_environment(environment))


def read(each: Setting, given: object, where: str) -> Any:
    """What was given, as a value that the setting can have.

    Args:
        where: the variable, flag or key that it was given by.

    Raises:
        PipelineError: it cannot be that.
    """
    if each.takes_none and (given in (None, "") or (each.form and str(given).lower() in (*OFF, "none"))):
        return None
    if each.options_of and isinstance(given, Mapping):
        return _group(each).read_named(given, where, without=each.without)
    if each.takes_many:
        parts = [part.strip() for part in given.split(":")] if isinstance(given, str) else given
        if isinstance(parts, list | tuple):
            return tuple(_read_one(each, part, where) for part in parts if part != "")
    else:
        value = _read_one(each, given, where)
        if each.holds(value):
            return value
    raise _refused(each, given, where)


def demand_spelled(variables: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse an environment with a variable that is one of these but for a letter: it would say nothing, in silence.

    Raises:
        PipelineError: it names both.
    """
    for meant in variables:
        alike = difflib.get_close_matches(meant, environment.keys() - set(variables), n=1, cutoff=_ALIKE)
        if alike and not environment.get(meant):
            raise PipelineError(
                f"the variable {alike[0]} means nothing", where="environment", remedy=f"Did you mean {meant}?"
            )


def no_such(name: object, known: list[str], where: str) -> PipelineError:
    """The error for a name that there is none of; it tells the one that was meant, as far as one can know."""
    meant = difflib.get_close_matches(str(name), known, n=1) or [each for each in known if each.endswith(f".{name}")]
    remedy = f"Did you mean {meant[0]}?" if meant else f"Choose from {', '.join(known)}."
    return PipelineError(f"there is no {name}", where=where, remedy=remedy)


def _group(each: Setting) -> type[Settings]:
    assert each.options_of is not None and issubclass(each.options_of, Settings)
    return each.options_of


def _names(known: Iterable[Setting]) -> list[str]:
    """Names of settings, and of those in a group of them: ``options.batch_size``."""
    names = []
    for each in known:
        inner = settings_in(_group(each)) if each.options_of else ()
        names += [each.name, *(f"{each.name}.{option.name}" for option in inner if option.name not in each.without)]
    return names


def _told(each: Setting, environment: Mapping[str, str]) -> Iterator[Any]:
    for variable in each.variables:
        given = environment.get(variable)
        if given or (given is not None and each.blank_counts):
            value = read(each, given, variable)
            yield not value if each.says_off else value


def _read_one(each: Setting, given: object, where: str) -> Any:
    text = str(given).strip()
    if text.lower() in each.choices:
        return text.lower()
    if each.kind is bool and text.lower() in ON + OFF:
        return text.lower() in ON
    if each.kind in (int, float) and not isinstance(given, bool):
        return _number(each, text, where)
    if each.kind is Path and isinstance(given, str | Path):
        return Path(as_it_lies(str(Path(given).expanduser()), where))
    if each.kind is str and isinstance(given, str | int | float):
        return str(given)
    raise _refused(each, given, where)


def _number(each: Setting, text: str, where: str) -> float:
    is_percent = each.is_share and text.endswith("%")
    kind = int if each.kind is int else float
    try:
        number = kind(text.rstrip("%")) / 100 if is_percent else kind(text)
    except ValueError as error:
        raise _refused(each, text, where) from error
    if kind is int or math.isfinite(number):
        return number
    raise _refused(each, text, where)


def _refused(each: Setting, given: object, where: str) -> PipelineError:
    number = str(given).strip().lstrip("+-")
    ends = f", at most {LARGEST:,}" if each.kind is int and number.isdecimal() and float(number) > LARGEST else ""
    return PipelineError(f"{each.name} cannot be {given!r}", where=where, remedy=f"Set it to {each.expected}{ends}.")
