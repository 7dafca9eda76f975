"""What is written down of settings: a field that a later version adds makes nothing of what was there another thing."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.layout_lmdb import LayoutSettings
from ocr_pipeline.data.synthetic.settings import SyntheticSettings, WordSetSettings
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.settings import FastTraining
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.reading.settings import InputLimits
from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline.recognition.images import ImageFormat
from ocr_pipeline.recognition.interface import Decoding
from ocr_pipeline.settings import LATER, Setting, as_before, described, left_out, recorded
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

_TRAININGS = (FastTraining(config=Path(), output_dir=Path()), DloraTraining("", ""))


class Look(msgspec.Struct, frozen=True):
    flip: float = 0.5
    fold: Annotated[float, LATER] = 0.0


@dataclass(frozen=True)
class Work:
    size: int = 3
    words: tuple[str, ...] = ()
    look: Look = Look()  # noqa: RUF009 (it is frozen)
    paper: Annotated[str, Setting("Of a later version."), LATER] = "white"
    stains: Annotated[tuple[str, ...], LATER] = field(default_factory=tuple)


def test_a_later_field_is_written_down_where_it_is_not_as_by_default():
    assert recorded(Work()) == {"size": 3, "words": (), "look": {"flip": 0.5}}
    assert recorded(Work(look=Look(fold=0.1), paper="grey"))["look"] == {"flip": 0.5, "fold": 0.1}
    assert recorded(Work(paper="grey", stains=("tea",)), "size", "paper") == {"size": 3, "paper": "grey"}
    assert left_out(Work()) == {"paper": None, "stains": None} and left_out(Work(paper="grey")) == {"stains": None}


def test_a_fingerprint_is_that_of_the_text_that_python_shows():
    assert described(Work()) == "Work(size=3, words=(), look=Look(flip=0.5))"
    assert described(Work(paper="grey", look=Look(0, 1))).endswith("look=Look(flip=0, fold=1), paper='grey')")
    plain = ImageFormat(2, 3, 2, (0.1,) * 3, (0.0,) * 3)
    assert [described(one) for one in (plain, FastConfig(), "text", 1.5)] == [
        str(plain),
        str(FastConfig()),
        "text",
        "1.5",
    ]


def test_plain_values_are_told_alike():
    values = {"size": 3, "look": {"flip": 1, "fold": 0.0}, "paper": "white", "unknown": 5}
    assert as_before(values, Work) == {"size": 3, "look": {"flip": 1}, "unknown": 5}
    assert as_before({**values, "paper": "grey"}, Work)["paper"] == "grey"


@pytest.mark.parametrize("known", [AnnotationSettings(), *_TRAININGS])
def test_settings_grow_by_a_later_field(known: Any):
    shade = ("shade", Annotated[int, Setting("Of a later version."), LATER], field(default=0, kw_only=True))
    grown = make_dataclass("Grown", [shade], bases=(type(known),), frozen=True)
    values = vars(known)
    assert recorded(grown(**values)) == recorded(known)
    assert recorded(grown(**values, shade=2)) == recorded(known) | {"shade": 2}


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (AnnotationSettings(), "b57cb655c1c8"),
        (LayoutSettings(), "719c6eadca9e"),
        (SyntheticSettings(), "4d71ddd38fd5"),
        (WordSetSettings(), "789247d2ebca"),
        (Judging(), "6539b9bc965a"),
        (InputLimits(), "28b154865d1c"),
        (FastConfig(), "3229b7944ea4"),
        (_TRAININGS[0], "de670692d9bc"),
        (_TRAININGS[1], "7a30d9c8ebaa"),
        (Decoding(), "06ab41422a6d"),
        (ImageFormat(1, 1, 1, (), ()), "80923598f0f9"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_written_down_of_defaults_stays_what_it_was(settings: Any, known: str):
    """A new field: declare it as LATER. Another default: what was made by the old one has to become stale, so the
    stage's CODE_VERSION rises too.
    """
    assert fingerprint_of([described(settings)])[:12] == known
