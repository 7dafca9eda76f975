"""How an artifact may take the place of what is published: what is not found is not thereby deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.quarantine import Counts

_SHOWN = 3  # reasons in an error message


@dataclass(frozen=True)
class Renewal(Settings):
    """When it is made anew, and how much it may lose before a person has to say so.

    A mount that is away and a listing that is cut short look like a deletion. What accepts a loss has no variable: work
    that starts itself must never accept one.
    """

    rebuild: Annotated[bool, Setting("Make anew what is current or was adopted.")] = False
    accept_loss: Annotated[bool, Setting("Publish although pages or words are lost.")] = False
    may_lose: Annotated[
        float,
        Setting(
            "Share of its pages or words that an artifact may lose at once without `accept_loss`.",
            env="OCR_PIPELINE_MAY_LOSE",
            least=0,
            most=1,
        ),
    ] = 0.2

    def also(self, rebuild: bool) -> Renewal:
        """The same, but made anew if this says so too."""
        return replace(self, rebuild=self.rebuild or rebuild)

    def demand(self, artifact: Path, had: Counts, has: Counts) -> None:
        """Refuse to put an artifact with these counts in the place of one with those.

        Raises:
            PipelineError: it has none of what the other had, or too little; the numbers are named.
        """
        if self.accept_loss or not (
            self._loses(had.pages_out, has.pages_out) or self._loses(had.words_out, has.words_out)
        ):
            return
        raise PipelineError(
            f"{_left('pages', had.pages_out, has.pages_out)} and {_left('words', had.words_out, has.words_out)} "
            f"would be left{_aside(has)}; what is published stays as it is",
            where=artifact,
            remedy="Check that everything is at the source (mounts, folders, OCR_PIPELINE_SOURCE) and that no setting "
            "leaves it out (FAST_MAX_SAMPLES). If it is meant so, run it again with --accept-loss (in Dagster: "
            f"accept_loss in the asset's config); {self.may_lose:.0%} may be lost unasked (OCR_PIPELINE_MAY_LOSE).",
        )

    def _loses(self, had: int, has: int) -> bool:
        return had > 0 and (has == 0 or (had - has) / had > self.may_lose)


USUAL = Renewal()
ANYHOW = Renewal(accept_loss=True)


def _left(unit: str, had: int, has: int) -> str:
    return f"{has:,} of {had:,} {unit}"


def _aside(has: Counts) -> str:
    """What most is set aside for, where that may be why."""
    told = sorted((-count, f"{unit} {name}") for unit, names in has.reasons.items() for name, count in names.items())
    return f" (set aside: {', '.join(f'{name} {-count:,}' for count, name in told[:_SHOWN])})" if told else ""
