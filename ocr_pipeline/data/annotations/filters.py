"""Which labels the user wants, by their text alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc


@dataclass(frozen=True)
class TextFilter:
    """Admits labels by length and characters.

    Attributes:
        min_chars, max_chars: NFC characters of the label, blanks within it included.
        charset: the characters that may occur beside blanks; None admits all.
    """

    min_chars: int = 1
    max_chars: int | None = None
    charset: frozenset[str] | None = None

    def reason_against(self, text: str) -> str | None:
        """``too_short``, ``too_long`` or ``not_in_charset``; None for a text that is wanted."""
        if len(text) < self.min_chars:
            return "too_short"
        if self.max_chars is not None and len(text) > self.max_chars:
            return "too_long"
        if self.charset is not None and not self.charset.issuperset(text.replace(" ", "")):
            return "not_in_charset"
        return None


def read_charset(path: Path) -> frozenset[str]:
    """The characters of a UTF-8 text file, NFC, without line breaks and blanks.

    Raises:
        PipelineError: the file cannot be read, or holds no character.
    """
    try:
        characters = frozenset(nfc(path.read_text(encoding="utf-8-sig"))) - frozenset(" \r\n\t")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the character set cannot be read ({error})", where=path, remedy="Give a UTF-8 text file."
        ) from error
    if not characters:
        raise PipelineError("the character set is empty", where=path, remedy="Write the characters into the file.")
    return characters
