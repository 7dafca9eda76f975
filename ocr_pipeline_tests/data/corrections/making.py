"""Corrections of the words of small hand-made shares."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ocr_pipeline.data.corrections import Action, Correction
from ocr_pipeline_tests.trees import HAND_LABELS

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def said(
    number: int, word: int, before: str, action: Action = "text", after: str = "", minutes: int = 0, **more
) -> Correction:
    """What somebody said of a word of a page of `hand_tree`, so many minutes after noon."""
    stem = f"IMG_OCR_53_4PR_{number:05d}"
    folder = more.pop("folder", "R.Free0")
    return Correction(
        label=f"{HAND_LABELS}/{folder}/{stem}.json",
        image=f"{stem}.png",
        word=word,
        action=action,
        before=before,
        after=after,
        when=NOON + timedelta(minutes=minutes),
        review=more.pop("review", "first"),
        **more,
    )
