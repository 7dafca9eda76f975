"""What runs by itself: everything is off until one line of the environment or of the recipe file turns it on.

The recipe file's section is called ``automation`` and has the keys of the environment's variables:

    automation: {watch: true, nightly: "0 3 * * *", train_share: 0.1}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.recipe_file import recipe_defaults

PREFIX = "OCR_PIPELINE_"
_OFF = ("", "0", "false", "no", "off", "none")


@dataclass(frozen=True)
class AutomationSettings:
    """Each attribute is also a variable: ``watch`` is OCR_PIPELINE_WATCH.

    Attributes:
        watch: whether changes of the share start the data job.
        quiet_seconds: how long a partition must stay as it is before it counts as delivered.
        marker: name of a file that says so at once, when it appears or is written anew.
        tick_seconds: how long one look at the share may take; the next goes on from there.
        nightly: cron line of the nightly data jobs; empty for none.
        train_share: share of the training data that must have changed before a training starts; 0 for never.
    """

    watch: bool = False
    quiet_seconds: float = 600.0
    marker: str = "_DELIVERED"
    tick_seconds: float = 20.0
    nightly: str = ""
    train_share: float = 0.0

    @classmethod
    def chosen(cls, environment: Mapping[str, str], recipe: Mapping[str, Any]) -> AutomationSettings:
        """The environment's variables over the recipe's section over the defaults.

        Raises:
            PipelineError: a name or a value that makes no sense.
        """
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(recipe) - set(names))
        if unknown:
            raise PipelineError(
                f"no such setting: {', '.join(unknown)}",
                where="the recipe's section automation",
                remedy=f"Choose from: {', '.join(names)}.",
            )
        given = dict(recipe) | {name: environment[v] for name in names if (v := PREFIX + name.upper()) in environment}
        return cls(**{name: _read(name, value, type(getattr(cls, name))) for name, value in given.items()})


def _read(name: str, value: Any, kind: type) -> Any:
    if kind is bool:
        return str(value).lower() not in _OFF
    if kind is str:
        return "" if name == "nightly" and str(value).lower() in _OFF else str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if number < 0:
        raise PipelineError(f"not a number: {value!r}", where=PREFIX + name.upper(), remedy="Give a number from 0 on.")
    return number


SETTINGS = AutomationSettings.chosen(os.environ, recipe_defaults("automation"))
