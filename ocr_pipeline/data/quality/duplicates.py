"""Pages that are alike: the same bytes, nearly the same name, or the same page in training and validation data.

Pictures of equal content have equal size, so only those are looked at: first their last bytes, which differ for nearly
all (a PNG ends with a checksum of its pixels), then, for those that still agree, the whole file. A set of hundreds of
gigabytes is compared by reading a few hundred megabytes, and what is reported is the same byte for byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from ocr_pipeline.data.quality.record import Alike, Comparison, Group, PageName
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.source.share import Entry, Share

EXAMPLES = 20
_PAGES_OF_A_GROUP = 6
_TAIL = 4096
_READERS = 8
_AT_ONCE = 512

Read = Callable[[Entry], bytes]


def compare_pages(share: Share, own: str, indexes: Mapping[str, Path], seconds: float | None = None) -> Comparison:
    """Compare the pages of a partition with each other and with those of its data set.

    Args:
        own: the partition's key.
        indexes: page indexes (see `page_index`) of the published partitions of the set, the own among them.
        seconds: time for looking into pictures; None takes what it takes.

    Raises:
        PipelineError: the share does not answer.
    """
    # Own pages a and b have 10 bytes, as have c and d of another partition; e has 12. The suspects are a b c d, for no
    # other has e's size; the tails of a and b agree, those of c and d are their own: a and b stay. They are read whole,
    # and if they agree still they are duplicates. Of five pictures two were read, and the tails of four.
    until = None if seconds is None else time.monotonic() + seconds
    with _together(indexes, own) as pages:
        found = Comparison(compared=_number(pages, "SELECT COUNT(path) FROM pages WHERE partition = own()"))
        pages.execute(f"CREATE TABLE suspects AS {_EQUAL_SIZES}")
        progress = Progress(f"quality {own}", "pictures compared")
        for read in (lambda entry: share.read_tail(entry, _TAIL), lambda entry: share.read(entry.path)):
            found.not_compared += _tell_apart(pages, share, read, until, progress)
        pages.execute("CREATE TABLE twins AS SELECT pages.*, digest FROM pages JOIN suspects USING (path)")
        found.duplicates = _alike(pages, "content", _SAME_CONTENT)
        found.near_names = _alike(pages, "name", _NEAR_NAMES)
        found.leaks = _leaks(pages)
    return found


_EQUAL_SIZES = """
    SELECT path, size, '' AS digest FROM (SELECT DISTINCT path, size FROM pages WHERE path IS NOT NULL)
    WHERE size IN (SELECT size FROM pages WHERE partition = own())
    AND size IN (SELECT size FROM (SELECT DISTINCT path, size FROM pages) GROUP BY size HAVING COUNT(*) > 1)
    ORDER BY size, path
"""
_STILL_EQUAL = "SELECT size, digest FROM suspects GROUP BY size, digest HAVING COUNT(*) > 1"
# groups as (key), in a stable order; both kinds hold at least one own page
_SAME_CONTENT = """
    SELECT digest AS key, partition, split, image, path FROM twins
    WHERE digest IN (SELECT digest FROM twins WHERE partition = own())
"""
_NEAR_NAMES = """
    SELECT name AS key, partition, split, image, COALESCE(path, '') AS path FROM pages WHERE partition = own()
    AND name IN (SELECT name FROM pages WHERE partition = own() GROUP BY name HAVING COUNT(*) > 1)
"""
_IN_BOTH = "COUNT(DISTINCT split = 'valid') = 2 AND SUM(partition = own())"
_LEAKS_BY_CONTENT = f"""
    SELECT digest AS key, partition, split, image, path FROM twins
    WHERE digest IN (SELECT digest FROM twins GROUP BY digest HAVING {_IN_BOTH})
"""
_LEAKS_BY_NAME = f"""
    SELECT stem AS key, partition, split, image, COALESCE(path, '') AS path FROM pages
    WHERE stem IN (SELECT stem FROM pages GROUP BY stem HAVING {_IN_BOTH})
"""


@contextlib.contextmanager
def _together(indexes: Mapping[str, Path], own: str) -> Iterator[sqlite3.Connection]:
    """A database on disk, gone when it is closed, in which ``pages`` are those of all indexes."""
    with contextlib.closing(sqlite3.connect("", uri=True)) as connection:
        connection.create_function("own", 0, lambda: own, deterministic=True)
        parts = []
        for number, (partition, index) in enumerate(sorted(indexes.items())):
            connection.execute(f"ATTACH ? AS part{number}", (f"{index.absolute().as_uri()}?mode=ro",))
            parts.append(f"SELECT '{partition}' AS partition, * FROM part{number}.pages")
        connection.execute(f"CREATE TEMP VIEW pages AS {' UNION ALL '.join(parts)}")
        yield connection


def _number(pages: sqlite3.Connection, query: str) -> int:
    return pages.execute(query).fetchone()[0]


def _tell_apart(pages: sqlite3.Connection, share: Share, read: Read, until: float | None, progress: Progress) -> int:
    """Look at the suspects and drop those that no other equals; returns how many could not be looked at."""
    pages.execute("CREATE TABLE seen (path TEXT PRIMARY KEY, digest TEXT)")
    suspects = pages.execute("SELECT path, size FROM suspects ORDER BY size, path")
    with contextlib.closing(suspects), ThreadPoolExecutor(_READERS) as executor:
        while (until is None or time.monotonic() < until) and (rows := suspects.fetchmany(_AT_ONCE)):
            digests = executor.map(lambda row: _digest(share, read, *row), rows)
            pages.executemany("INSERT INTO seen VALUES (?, ?)", (found for found in digests if found))
            progress.advance(len(rows))
    before = _number(pages, "SELECT COUNT(*) FROM suspects")
    pages.execute("CREATE TABLE told AS SELECT path, size, seen.digest FROM suspects JOIN seen USING (path)")
    pages.execute("DROP TABLE suspects")
    pages.execute("ALTER TABLE told RENAME TO suspects")
    looked_at = _number(pages, "SELECT COUNT(*) FROM suspects")
    pages.execute(f"DELETE FROM suspects WHERE (size, digest) NOT IN ({_STILL_EQUAL})")
    pages.execute("DROP TABLE seen")
    return before - looked_at


def _digest(share: Share, read: Read, path: str, size: int) -> tuple[str, str] | None:
    below = share.below_root(path)
    try:
        data = read(Entry((), below.rpartition("/")[2], below, size, 0.0))
    except FileNotFoundError:  # it vanished since the lookup was made; it counts as not compared
        return None
    return path, hashlib.blake2b(data, digest_size=16).hexdigest()


def _alike(pages: sqlite3.Connection, by: str, members: str) -> Alike:
    """Count and show the groups of a query of (key, partition, split, image, path)."""
    alike = Alike()
    rows = pages.execute(f"SELECT * FROM ({members}) ORDER BY key, partition, path, image")
    for _, group in groupby(rows, key=lambda row: row[0]):
        shown: list[PageName] = []
        for row in group:
            alike.pages += 1
            if len(shown) < _PAGES_OF_A_GROUP:
                shown.append(PageName(*row[1:]))
        alike.groups += 1
        if len(alike.examples) < EXAMPLES:
            alike.examples.append(Group(by, shown))  # type: ignore[arg-type]
    return alike


def _leaks(pages: sqlite3.Connection) -> Alike:
    by_content, by_name = _alike(pages, "content", _LEAKS_BY_CONTENT), _alike(pages, "name", _LEAKS_BY_NAME)
    total = Alike(by_content.groups + by_name.groups, by_content.pages + by_name.pages)
    total.examples = (by_content.examples + by_name.examples)[:EXAMPLES]
    return total
