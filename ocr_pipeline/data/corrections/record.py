"""One word of a person on one label."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal, get_args

import msgspec

from ocr_pipeline.page import Page, Quad, Quarantined, raw_record

Action = Literal["text", "ignore", "delete", "quad", "add", "keep", "forget"]
"""A new text; text that is not to be learnt from; no word at all; other corners; a word that nobody labelled; right as
it is; no page at all."""

ACTIONS: tuple[Action, ...] = get_args(Action)
WHOLE_PAGE = -1
"""The word of which is spoken, where it is all of them."""
NEVER = datetime.fromtimestamp(0, timezone.utc)


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person said of one word, at one moment.

    Attributes:
        label, image, word: whose word: as in `Page` and `Word`; `WHOLE_PAGE` with the action ``forget``.
        action: what is to be done.
        before: the text that the person saw as the label, in NFC.
        after: the new text in NFC; empty unless the action is ``text`` or ``add``; an added word that
            says nothing is not to be learnt from.
        before_quad: the corners that the person saw; None where they were not shown.
        after_quad: the new corners; None unless the action is ``quad`` or ``add``.
        why: the kind of the suspicion that brought the word up (``jamo``), or empty.
        who, when, review: the person, the moment (UTC), and the sitting it belongs to.
        note: what the person wrote beside it.
        undone: when it was taken back; `NEVER` for what still holds.
    """

    label: str
    image: str
    word: int
    action: Action
    before: str
    when: datetime
    review: str
    after: str = ""
    before_quad: Quad | None = None
    after_quad: Quad | None = None
    why: str = ""
    who: str = ""
    note: str = ""
    undone: datetime = NEVER

    @property
    def place(self) -> tuple[str, str, int]:
        """The word it speaks of."""
        return self.label, self.image, self.word

    @property
    def said(self) -> tuple[object, ...]:
        """What makes it itself: the same said again at the same moment is the same correction."""
        return *self.place, self.action, self.when, self.review

    def set_aside(self, page: Page, detail: str) -> Quarantined:
        """This correction, set aside because its word is no longer what it speaks of."""
        where = (page.dataset, page.split, self.label, self.image)
        return Quarantined("correction", "correction_stale", *where, self.word, detail, raw=raw_record(self))
