"""Corrections applied to the pages of label files: each where its word still is what the person saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import msgspec
from msgspec.structs import replace

from ocr_pipeline.data.corrections.record import NEVER, Correction
from ocr_pipeline.data.datasets import Parsed
from ocr_pipeline.page import Page, Quarantined, Word, word_state
from ocr_pipeline.storage.artifacts.manifest import Input
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_of


def in_force(rows: Iterable[Correction]) -> list[Correction]:
    """What was not taken back, in the order of the words and, for each of them, of time."""
    return sorted(
        (row for row in rows if row.undone == NEVER), key=lambda row: (row.place, row.when, row.review, row.action)
    )


@dataclass(frozen=True)
class Corrections:
    """The corrections that hold, by label file."""

    by_label: dict[str, tuple[Correction, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Correction]) -> Corrections:
        """Of all rows of an overlay those that hold."""
        by_label = groupby(in_force(rows), key=lambda row: row.label)
        return cls({label: tuple(found) for label, found in by_label})

    def __bool__(self) -> bool:
        return bool(self.by_label)

    def __len__(self) -> int:
        return sum(map(len, self.by_label.values()))

    @property
    def fingerprint(self) -> str:
        """Of all that they do; empty where they do nothing."""
        encode = msgspec.json.Encoder().encode
        words = (
            list(found) for rows in self.by_label.values() for _, found in groupby(rows, key=lambda row: row.place)
        )
        doing = [row for found in words if _do_something(found) for row in found]
        plain = (replace(row, who="", note="", why="", undone=NEVER) for row in doing)
        return fingerprint_of(map(encode, plain)) if doing else ""

    @property
    def inputs(self) -> list[Input]:
        """What an artifact that they are applied to was made from besides."""
        return [Input("corrections", self.fingerprint)] if self.fingerprint else []

    def is_in(self, folder: str) -> bool:
        """Whether they speak of a label file in a folder."""
        return folder in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(label.rpartition("/")[0] for label in self.by_label)

    def of_labels(self, labels: Iterable[str]) -> Corrections:
        """Those of some label files."""
        return Corrections({label: self.by_label[label] for label in labels if label in self.by_label})

    def elsewhere(self, labels: Iterable[str], dataset: str, split: str) -> Parsed:
        """Those of all other label files, set aside: these are all that there are."""
        left = Parsed()
        for label in self.by_label.keys() - set(labels):
            page = Page(dataset, split, "", 0, 0, label)
            _set_aside(left, page, self.by_label[label], "there is no such label file any more")
        return left


NONE = Corrections()


def apply_corrections(parts: Iterable[Parsed], label: str, corrections: Corrections) -> Iterator[Parsed]:
    """What a label file holds, in one part or many, as people corrected it.

    A deleted word and a correction that no longer holds are set aside; the counts still add up.
    """
    rows = corrections.by_label.get(label, ())
    if not rows:
        yield from parts
        return
    by_image: dict[str, list[Correction]] = defaultdict(list)
    for row in rows:
        by_image[row.image].append(row)
    forgotten = {row.image for row in rows if row.action == "forget"}
    left, some = Parsed(), Page("", "", "", 0, 0, label)
    for parsed in parts:
        made = Parsed([], _without_raw(parsed.quarantined, forgotten), parsed.counts)
        for some in parsed.pages:
            if some.image in forgotten:
                _forget(made, some)
            else:
                made.pages.append(correct_page(some, by_image.pop(some.image, ()), made))
        yield made
    for gone in (found for image, found in by_image.items() if image not in forgotten):
        _set_aside(left, some, gone, "there is no such page any more")
    yield left


def _without_raw(records: Sequence[Quarantined], forgotten: set[str]) -> list[Quarantined]:
    """What was set aside of pages that are to be forgotten, or of their whole label, without what stands on them."""
    return [replace(one, raw="", detail="") if forgotten and one.image in (*forgotten, "") else one for one in records]


def _forget(made: Parsed, page: Page) -> None:
    """Set a page aside with all its words; nothing that stands on it is kept."""
    made.set_aside(page.set_aside("forgotten", "it is to be forgotten (`ocr-pipeline forget`)"))
    made.counts.pages_out -= 1
    made.counts.words_out -= len(page.words)
    made.counts.note("words_ignored", -sum(word.state == "ignore" for word in page.words))


def correct_page(page: Page, rows: Sequence[Correction], made: Parsed) -> Page:
    """The page with its corrections; counts, and what is set aside, go to ``made``."""
    if not rows:
        return page
    by_word = {word: list(found) for word, found in groupby(rows, key=lambda row: row.word)}
    words = []
    for word in page.words:
        corrected = _correct(page, word, by_word.pop(word.id, []), made)
        if corrected is not None:
            words.append(corrected)
    for left in by_word.values():
        if left[-1].action == "add":
            words.append(_added(left[-1], made))
        else:
            _set_aside(made, page, left, "there is no such word any more")
    return replace(page, words=tuple(words))


def _added(row: Correction, made: Parsed) -> Word:
    """A word that nobody labelled."""
    assert row.after_quad, "a sitting holds no added word without corners"
    word = Word(row.word, row.after, row.after_quad, word_state(row.after))
    made.counts += Counts(words_in=1, words_out=1)
    made.counts.note("words_added")
    made.counts.note("words_ignored", int(word.state == "ignore"))
    return word


def _correct(page: Page, raw: Word, rows: list[Correction], made: Parsed) -> Word | None:
    """One word after all that was said of it, in the order of time; None where it is to go."""
    word: Word | None = raw
    for row in rows:
        now = word or raw
        if _speaks_of(row, raw) or _speaks_of(row, now):
            word = _changed(word, row, raw)
            made.counts.note("corrections_applied", int(row.action != "keep"))
        elif _is_done(row, now):
            made.counts.note("corrections_done_at_the_source")
        else:
            why = f"the label reads {now.text!r}, not {row.before!r}" if row.before != now.text else "the box moved"
            _set_aside(made, page, [row], why)
    if word is None:
        made.set_aside(raw.set_aside(page, "deleted_in_review", "a person said that no word is here"))
        made.counts.words_out -= 1
    made.counts.note("words_ignored", int(word is not None and word.state == "ignore") - int(raw.state == "ignore"))
    return word


def _speaks_of(row: Correction, word: Word) -> bool:
    return row.before == word.text and row.before_quad in (None, word.quad)


def _changed(word: Word | None, row: Correction, raw: Word) -> Word | None:
    now = word or raw
    match row.action:
        case "text":
            return replace(now, text=row.after, state=word_state(row.after), raw_text=None)
        case "ignore":
            return replace(now, state="ignore")
        case "quad":
            return replace(now, quad=row.after_quad)
        case "delete" | "forget":
            return None
        case "add":  # it stands there already
            return now
        case "keep":  # a later look at the raw label overrules who changed it before
            return raw if word is None or row.before != word.text else word


def _is_done(row: Correction, word: Word) -> bool:
    """Whether a new delivery already says what the person said."""
    return (row.action == "text" and row.after == word.text) or (row.action == "quad" and row.after_quad == word.quad)


def _do_something(rows: Iterable[Correction]) -> bool:
    """Whether a word may come out other than it went in."""
    return any(row.action != "keep" for row in rows)


def _set_aside(made: Parsed, page: Page, rows: Iterable[Correction], why: str) -> None:
    for row in rows:
        if row.action not in ("keep", "forget"):  # what was right, or to go, and is gone asks for nothing
            made.quarantined.append(row.set_aside(page, why))
            made.counts.note("corrections_stale")
