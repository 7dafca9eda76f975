"""The parts of the search: a few pages each, so that a run that was killed loses only those it was looking at."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.data.picture_size import SizeDiffersError
from ocr_pipeline.data.review.looking import LookedAt, Readers, look_at
from ocr_pipeline.data.review.suspects.calibration import Trial
from ocr_pipeline.data.review.suspects.finding import Likelihood, find_suspects
from ocr_pipeline.data.review.suspects.planting import plant
from ocr_pipeline.data.review.suspects.suspect import NOBODYS_WORD, Found, Reading, SeenPage, Suspect
from ocr_pipeline.errors import end_on_shortage
from ocr_pipeline.page import Page, Quarantined, Word
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.source.share import Share

PAGES = 20
"""Pages of a shard, on average; at most four times as many."""
PLANTED_SHARE = 0.1
"""Of the words of a page, which is then searched once more; that costs no reading."""

_FOUND, _TRIED, PRINTS = "found.jsonl", "tried.json", "prints.npy"
PRINT = np.dtype([("print", "u8"), ("text", "u4"), ("page", "u4"), ("word", "u4"), ("turned", "?")])
"""One crop: its print, that of its label, its page within the shard, its word, and `Suspect.is_turned`."""


class Tried(msgspec.Struct):
    """What became of planted errors: on how many words, how many were planted, and all suspects of those pages."""

    words: int = 0
    planted: int = 0
    trials: list[Trial] = msgspec.field(default_factory=list)


def read_found(folder: Path) -> Iterator[Suspect]:
    """The suspects of a shard."""
    with (folder / _FOUND).open("rb") as lines:
        yield from (msgspec.json.decode(line, type=Suspect) for line in lines)


def read_tried(folder: Path) -> Tried:
    """What became of the errors planted in a shard."""
    return msgspec.json.decode((folder / _TRIED).read_bytes(), type=Tried)


@dataclass
class _Content:
    """What a shard will hold."""

    found: list[Suspect] = field(default_factory=list)
    tried: Tried = field(default_factory=Tried)
    prints: list[tuple[int, int, int, int, bool]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def set_aside(self, record: Quarantined) -> None:
        self.counts.set_aside(record)
        self.quarantined.append(record)


@dataclass(frozen=True)
class SuspectShard:
    """Fills shards."""

    share: Share
    readers: Readers
    partition: SourcePartition

    def fill(self, progress: Progress, job: tuple[PageTask, ...], draft: Path) -> tuple[Counts, list[Quarantined]]:
        """Look at the pages of a shard, and write what is found."""
        content = _Content()
        for number, task in enumerate(job):
            self._look(content, number, task)
            progress.advance()
        encode = msgspec.json.encode
        (draft / _FOUND).write_bytes(b"".join(encode(each) + b"\n" for each in content.found))
        (draft / _TRIED).write_bytes(encode(content.tried))
        np.save(draft / PRINTS, np.array(content.prints, PRINT))
        return content.counts, content.quarantined

    def _look(self, content: _Content, number: int, task: PageTask) -> None:
        page, words = task.page, len(task.page.words)
        content.counts += Counts(pages_in=1, pages_out=1, words_in=words, words_out=words)
        looked = task.picture if isinstance(task.picture, Quarantined) else self._seen(page, task.picture)
        if isinstance(looked, Quarantined):
            content.counts.pages_out -= 1
            content.counts.words_out -= words
            content.set_aside(looked)
            return
        likelihood = self.readers.likelihood(looked.crops)
        found = find_suspects(looked.seen, likelihood)
        content.found += (suspect_of(page, looked, one, str(task.picture)) for one in found)
        content.prints += _prints(number, looked)
        _try(content.tried, page, looked.seen, found, likelihood)

    def _seen(self, page: Page, picture: str) -> LookedAt | Quarantined:
        try:
            data = self.share.read(picture)
            return look_at(page, data, self.readers, complete=not self.partition.dataset.partly_labelled)
        except SizeDiffersError as error:
            return page.set_aside("size_differs", str(error))
        except (OSError, ValueError) as error:
            end_on_shortage(error, page.image)
            return page.set_aside("image_unreadable", str(error))


def suspect_of(page: Page, looked: LookedAt, found: Found, picture: str) -> Suspect:
    """The record of a suspicion, before its rate is known."""
    word, readings, quarters = _word_of(looked.seen, found)
    return Suspect(
        label=page.label,
        image=page.image,
        word=word.id,
        text=word.text,
        quad=word.quad,
        kind=found.kind,
        reading=found.reading,
        readings=readings,
        evidence=round(found.evidence, 3),
        picture=picture,
        is_turned=looked.is_turned,
        quarters=quarters,
    )


def _word_of(seen: SeenPage, found: Found) -> tuple[Word, tuple[Reading, ...], int]:
    if found.kind != "unlabelled":
        one = seen.words[found.place]
        return one.word, one.readings, one.quarters
    stray = seen.strays[found.place]
    word = Word(NOBODYS_WORD + zlib.crc32(repr(stray.quad).encode()), "", stray.quad)
    return word, (stray.reading,), stray.quarters


def _prints(number: int, looked: LookedAt) -> Iterator[tuple[int, int, int, int, bool]]:
    for seen, crop in zip(looked.seen.words, looked.prints(), strict=True):
        if not seen.is_flat:
            yield crop, zlib.crc32(seen.word.text.encode()), number, seen.word.id, looked.is_turned


def _try(tried: Tried, page: Page, seen: SeenPage, found: list[Found], likelihood: Likelihood | None) -> None:
    """Plant errors in a page that was read, search it again, and note what was found of them."""
    rng = random.Random(f"{page.label} {page.image}")
    planted = plant([each.word for each in seen.words], rng, PLANTED_SHARE)
    words = (each._replace(word=word) for each, word in zip(seen.words, planted.words, strict=True))
    again = find_suspects(SeenPage(tuple(words)), likelihood)
    tried.words += len(seen.words)
    tried.planted += len(planted.errors)
    tried.trials += (Trial(one.kind, one.evidence, True) for one in again if one.place in planted.errors)
    tried.trials += (Trial(one.kind, one.evidence, False) for one in found)
