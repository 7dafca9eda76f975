"""Pages in shards: where one ends and what decides its result, so that new pages touch only their own."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ocr_pipeline.data.lookup.names import Lookup
from ocr_pipeline.page import Page, Quarantined
from ocr_pipeline.storage.artifacts.shards import Shard
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.share import Share

_MARK_LENGTH = 10


class PageTask(NamedTuple):
    """One page whose picture is to be looked at.

    Attributes:
        picture: its picture's path below the share's root, or why there is none.
        print: fingerprint of all that decides its result: its record, its picture's path and state, the settings.
    """

    page: Page
    picture: str | Quarantined
    print: str

    @property
    def mark(self) -> str:
        """A short stand-in for the fingerprint: files of another state never take the name of these."""
        return self.print[:_MARK_LENGTH]


PageShard = Shard[tuple[PageTask, ...]]


def page_tasks(pages: Iterable[Page], lookup: Lookup, share: Share, made_by: str) -> Iterator[PageTask]:
    """Each page with what decides its result; ``made_by`` stands for code and settings."""
    encode, find = msgspec.json.encode, lookup.finder()
    for page in pages:
        found = find(page)
        if isinstance(found, Quarantined):
            yield PageTask(page, found, fingerprint_of([made_by, encode(page), encode(found)]))
        else:
            path = share.below_root(found)
            yield PageTask(page, path, fingerprint_of([made_by, encode(page), path, lookup.version(found)]))


def page_shards(pages: Iterable[PageTask], size: int) -> Iterator[PageShard]:
    """Pages in their order, ``size`` of them together on average and at most four times as many.

    A shard begins at a page whose name says so (content-defined chunking, as in LBFS, Muthitacharoen et al. 2001), or
    with a new label folder: a page that is added or goes changes the shard it stands in, and no boundary after it.
    """
    part: list[PageTask] = []
    for task in pages:
        if part and _begins(task, part, size):
            yield _shard(part)
            part = []
        part.append(task)
    if part:
        yield _shard(part)


def _begins(task: PageTask, part: list[PageTask], size: int) -> bool:
    if len(part) >= 4 * size or zlib.crc32(f"{task.page.label}\t{task.page.image}".encode()) % size == 0:
        return True
    return len(part) > size // 10 and _folder(task) != _folder(part[-1])


def _folder(task: PageTask) -> str:
    return task.page.label.rpartition("/")[0]


def _shard(part: list[PageTask]) -> PageShard:
    return Shard(fingerprint_of(task.print for task in part), tuple(part))
