"""Settings in the launchpad of the UI: a field for each, with its type, its choices and its help."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, TypeVar

import dagster as dg

from ocr_pipeline.settings import Setting, Settings, Values, settings_in

_TYPES = {bool: bool, int: int, float: float}
Schema = dict[str, dg.Field]
S = TypeVar("S", bound=Settings)


def launchpad(settings: type[Settings], *, without: Collection[str] = (), defaults: Values | None = None) -> Schema:
    """The config schema of an asset.

    Args:
        without: settings that a run cannot choose.
        defaults: what counts unless a run says otherwise; without them a field that is not given is not there, so that
            variables can be asked when the run starts.
    """
    return {each.name: _field(each, defaults) for each in settings_in(settings) if each.name not in without}


def chosen(settings: type[S], context: dg.AssetExecutionContext, **otherwise: Any) -> S:
    """Settings of a run: as its config says, where it is silent the variables, and last ``otherwise``.

    Raises:
        PipelineError: one of them holds what cannot be.
    """
    names = [each.name for each in settings_in(settings)]
    given = {name: value for name, value in context.op_execution_context.op_config.items() if name in names}
    where = f"the config of {context.asset_key.to_user_string()}"
    return settings.from_layers(otherwise, settings.read_environment(os.environ), settings.read_named(given, where))


def _field(each: Setting, defaults: Values | None) -> dg.Field:
    if each.options_of is not None:
        group = (defaults or {}).get(each.name, {})
        inner = settings_in(each.options_of)
        values = None if defaults is None else {one.name: group.get(one.name, one.default) for one in inner}
        return dg.Field(launchpad(each.options_of, without=each.without, defaults=values), description=each.help)
    if defaults is None:
        return dg.Field(_type(each), is_required=False, description=_described(each, defaults))
    return dg.Field(_type(each), default_value=_plain(defaults[each.name]), description=_described(each, defaults))


def _type(each: Setting) -> Any:
    if each.kind is None:
        plain: Any = dg.Enum(f"{each.name} ({' | '.join(each.choices)})", [dg.EnumValue(word) for word in each.choices])
    else:
        plain = _TYPES.get(each.kind, str)
    plain = dg.Array(plain) if each.takes_many else plain
    return dg.Noneable(plain) if each.takes_none else plain


def _described(each: Setting, defaults: Values | None) -> str:
    """The help, with what the type does not tell: ``Score of tables. [from 0 to 1; default 0.3]``."""
    has_default = defaults is None and each.default not in (None, "", ())
    told = [each.bounds.strip(), f"default {each.default}" if has_default else "", *each.variables]
    return f"{each.help} [{'; '.join(filter(None, told))}]" if any(told) else each.help


def _plain(value: Any) -> Any:
    """As YAML would have it."""
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
