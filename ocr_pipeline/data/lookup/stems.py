"""What of a picture's name counts."""

from __future__ import annotations

from ocr_pipeline.page import PICTURE_ENDINGS, nfc


def stem_of(name: str) -> str:
    """A picture's file name without extension, NFC and case folded."""
    stem, _, extension = name.rpartition(".")
    return nfc(stem if stem and f".{extension.lower()}" in PICTURE_ENDINGS else name).casefold()
