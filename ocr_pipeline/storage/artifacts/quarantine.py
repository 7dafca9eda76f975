"""Counts: what came in, went out and was set aside; nothing is lost in silence."""

from __future__ import annotations

import msgspec

from ocr_pipeline.page import Quarantined


class Counts(msgspec.Struct):
    """Pages and words in, out, set aside and filtered; they add up or the stage fails its check.

    Attributes:
        reasons: pages and words in the quarantine, by reason.
        notes: things worth knowing that are no loss.
        filtered: sound words that the user's settings leave out, by reason.
    """

    pages_in: int = 0
    pages_out: int = 0
    words_in: int = 0
    words_out: int = 0
    reasons: dict[str, dict[str, int]] = msgspec.field(default_factory=lambda: {"page": {}, "word": {}})
    notes: dict[str, int] = msgspec.field(default_factory=dict)
    filtered: dict[str, int] = msgspec.field(default_factory=dict)

    def set_aside(self, record: Quarantined) -> None:
        """Count one quarantined page (with the words it takes along) or word."""
        by_reason = self.reasons[record.unit]
        by_reason[record.reason] = by_reason.get(record.reason, 0) + 1
        if record.unit == "page" and record.words:
            words = self.reasons["word"]
            words[record.reason] = words.get(record.reason, 0) + record.words

    def note(self, name: str, count: int = 1) -> None:
        """Count something worth knowing that is no loss (a clipped box, a second label of a picture)."""
        if count:
            self.notes[name] = self.notes.get(name, 0) + count

    def leave_out(self, reason: str) -> None:
        """Count one word that a filter of the user leaves out."""
        self.filtered[reason] = self.filtered.get(reason, 0) + 1

    @property
    def pages_quarantined(self) -> int:
        return sum(self.reasons["page"].values())

    @property
    def words_quarantined(self) -> int:
        return sum(self.reasons["word"].values())

    @property
    def words_filtered(self) -> int:
        return sum(self.filtered.values())

    @property
    def add_up(self) -> bool:
        """Whether everything that came in went out, stands in the quarantine or was filtered."""
        return (
            self.pages_in == self.pages_out + self.pages_quarantined
            and self.words_in == self.words_out + self.words_quarantined + self.words_filtered
        )

    def __iadd__(self, other: Counts) -> Counts:
        self.pages_in += other.pages_in
        self.pages_out += other.pages_out
        self.words_in += other.words_in
        self.words_out += other.words_out
        _add(self.reasons["page"], other.reasons["page"])
        _add(self.reasons["word"], other.reasons["word"])
        _add(self.notes, other.notes)
        _add(self.filtered, other.filtered)
        return self

    def __add__(self, other: Counts) -> Counts:
        total = Counts()
        total += self
        total += other
        return total


def _add(total: dict[str, int], part: dict[str, int]) -> None:
    for name, count in part.items():
        total[name] = total.get(name, 0) + count
