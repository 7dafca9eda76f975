"""Who can be judged, each by its module; another one is a module of some forty lines and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.contestants import other_programs, own, tesseract
from ocr_pipeline.judging.contestants.contestant import Contestant, Opening, Seen

KINDS: dict[str, Callable[[Opening], Contestant]] = {
    "shipped": own.shipped,
    "champion": own.champion,
    "before": own.before,
    "reader": own.reader,
    "detector": own.detector,
    "recognizer": own.recognizer,
    "tesseract": tesseract.open_tesseract,
    "rapidocr": other_programs.rapidocr,
    "rapidocr-onnxruntime": other_programs.rapidocr_onnxruntime,
    "craft": other_programs.craft,
}

__all__ = ["KINDS", "Contestant", "Opening", "Seen", "open_contestants"]


def open_contestants(named: Sequence[str], opening: Opening) -> list[Contestant]:
    """Contestants by their names, ``kind`` or ``kind=place``, each called by a name of its own.

    Args:
        opening: how they are made ready; its place is of no account.

    Raises:
        PipelineError: there is none of such a name, it is not there, or cannot be used.
    """
    opened: list[Contestant] = []
    for name in named:
        kind, _, place = name.partition("=")
        if kind not in KINDS:
            raise PipelineError(
                "there is no such contestant",
                where=name,
                remedy=f"Choose from {', '.join(KINDS)}, each KIND or KIND=PLACE.",
            )
        made = KINDS[kind](opening._replace(place=place))
        opened.append(replace(made, name=_free_name(made.name, opened)))
    return opened


def _free_name(name: str, others: Sequence[Contestant]) -> str:
    taken, number, free = {other.name for other in others}, 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
