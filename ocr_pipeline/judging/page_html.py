"""A judgement as one page that needs nothing else: tables to sort, charts, and the crops that went wrong."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from ocr_pipeline.evaluation.bootstrap import Estimate
from ocr_pipeline.html import templates
from ocr_pipeline.judging.judgement import SLICED, Judgement, Slice
from ocr_pipeline.judging.measures import MEASURES
from ocr_pipeline.judging.mistakes import Mistake
from ocr_pipeline.judging.texts import TEXTS, measure_text
from ocr_pipeline.judging.trial import Place, Trial

CONFUSIONS, EXAMPLES = 100, 3
"""So many of each contestant's confusions are shown, and so many crops of each."""
_GROUPS = {
    group: [name for name, measure in MEASURES.items() if measure.group == group]
    for group in dict.fromkeys(measure.group for measure in MEASURES.values())
}


class Shown(NamedTuple):
    """What the page is made of.

    Attributes:
        worst: of the first contestant, by kind of error; crops: JPEGs of places.
    """

    judgement: Judgement
    trial: Trial
    worst: Mapping[str, list[Mistake]]
    crops: Mapping[Place, bytes]


def judgement_html(shown: Shown) -> str:
    """The page."""
    judgement, numbers = shown.judgement, {place: number for number, place in enumerate(shown.crops)}
    environment = templates(
        Path(__file__).with_name("templates"),
        estimate=estimate_text,
        measure=measure_text,
        share="{:.3f}".format,
        differs=lambda found: found.low is not None and (found.low > 0 or found.high < 0),
        text=lambda name: TEXTS[name],
    )
    return environment.get_template("judgement.html").render(
        judgement=judgement,
        names=[entry.name for entry in judgement.contestants],
        groups=_GROUPS,
        best=_best(judgement),
        slices=_by_slicing(judgement.slices),
        sliced=SLICED,
        most_confusions=CONFUSIONS,
        most_examples=EXAMPLES,
        worst=shown.worst,
        trial=shown.trial,
        crop_of=numbers.get,
        crops=[base64.b64encode(jpeg).decode() for jpeg in shown.crops.values()],
    )


def estimate_text(found: Estimate) -> str:
    """``0.812 (0.780 … 0.840)``; a dash where there was nothing to score."""
    if found.value is None:
        return "–"
    return f"{found.value:.3f} ({found.low:.3f} … {found.high:.3f})".replace("-", "\N{MINUS SIGN}")


def _best(judgement: Judgement) -> dict[str, float]:
    """The best value of each measure."""
    best: dict[str, float] = {}
    for name, found in judgement.measures.items():
        values = [one.value for one in found.values() if one.value is not None]
        if values:
            best[name] = max(values) if MEASURES[name].more_is_better else min(values)
    return best


def _by_slicing(slices: list[Slice]) -> dict[str, list[Slice]]:
    return {by: list(kinds) for by, kinds in groupby(slices, key=lambda one: one.by)}
