"""A lookup of a million names against the guide's own: a gzip pickle of full paths.

python -m benchmarks.data.million_names [NAMES] [ROUNDS]

The file is of the same format, so that the guide's other programs read it; ours is sorted, loaded by a loader that
admits nothing but strings. The stages look pages up in a table beside it, which is mapped: the last line tells how much
memory the whole of it takes, from the listing to the last page.
"""

from __future__ import annotations

import gzip
import pickle
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.measuring import compare, report
from ocr_pipeline.data.lookup import Lookup, read_lookup, write_lookup
from ocr_pipeline.data.lookup.format import write_names
from ocr_pipeline.data.lookup.index import index_pictures
from ocr_pipeline.data.lookup.mapped import MappedPaths, Picture, write_mapped
from ocr_pipeline.data.lookup.matching import Matching, match_pages
from ocr_pipeline.page import Page
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.publishing import publish_file
from ocr_pipeline.storage.source.listing import Contents, Listing

_ASKED = 100_000


def main(names: int = 1_000_000, rounds: int = 3) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as scratch:
        theirs, ours = Path(scratch) / "theirs.pkl.gz", Path(scratch) / "ours.pkl.gz"
        paths = made_up(names)
        building = {
            "pickle, gzip 9": partial(write_by_hand, theirs, paths),
            "lookup, written": partial(write, ours, paths),
        }
        report(f"build a lookup of {names:,} names", compare(building, 1), "names", {})
        sizes = [path.stat().st_size / 1e6 for path in (theirs, ours)]
        sys.stdout.write(f"  {sizes[0]:.1f} MB by hand, {sizes[1]:.1f} MB here\n")
        loading = {
            "pickle.load": partial(read_by_hand, theirs),
            "lookup, loaded": partial(read, ours),
        }
        peer, loaded = loading
        report(f"load a lookup of {names:,} names", compare(loading, rounds), "names", {loaded: (peer, 1 / 1.5)})
        asked = random.Random(2).choices(list(paths), k=_ASKED)
        pages = [Page("public_admin", "train", name, 1, 1, "") for name in asked]
        write_mapped(ours.with_suffix(".names"), (Picture(*item, 0) for item in paths.items()))
        lookup = Lookup(MappedPaths(ours.with_suffix(".names")))
        asking = {
            "dict": partial(ask_by_hand, paths, pages),
            "lookup, asked": partial(ask, lookup, pages),
        }
        report(f"ask a lookup of {names:,} names", compare(asking, rounds), "names", {})
    del paths, pages, asking, lookup
    megabytes = memory_of(build_and_ask, names)
    sys.stdout.write(f"lookup of {names:,} pictures and pages, built and used: {megabytes:.0f} MB at most\n")


def memory_of(work: Callable[[int], object], argument: int) -> float:
    """Most memory, in MB, that a process of its own takes for something, with all that it imports."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        executor.submit(work, argument).result()
        return executor.submit(_peak).result()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build_and_ask(names: int) -> int:
    """What the stage does for so many pictures, each with a label, and what the stages after it ask."""
    share, folders = ListedShare(), listed(names)
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "lookup.names"
        write_mapped(table, index_pictures(share, folders))
        paths = MappedPaths(table)
        matching = Matching(paths, names, Counts(), share.below_root)
        aside = list(match_pages(matching, labelled(folders)))
        assert not aside and matching.counts.pages_out == names
        write_names(Path(scratch) / "lookup.pkl.gz", ((one.key, one.path) for one in paths.pictures()))
        find = Lookup(paths).finder()
        return sum(isinstance(find(page), str) for page in labelled(folders))


class ListedShare:
    """A share that is listed and never read."""

    place = "/run/user/0/gvfs/ftp:host=192.0.2.1,user=ocr/ocr_dataset"

    def full_path(self, path: str) -> str:
        """As `Share.full_path`."""
        return f"{self.place}/{path}"

    def below_root(self, path: str) -> str:
        """As `Share.below_root`."""
        return path.removeprefix(f"{self.place}/")


def listed(names: int, per_folder: int = 1000) -> list[Listing]:
    """Folders of pictures."""
    folders = []
    for first in range(0, names, per_folder):
        path = f"공공행정문서 OCR/Training/[원천]train1/02.원천데이터(jpg)/{first // per_folder:04d}"
        files = [f"5350109-2001-0001-{number:07d}.jpg" for number in range(first, min(names, first + per_folder))]
        contents = Contents(files=files, told=dict.fromkeys(files, (100_000, 1.7e9)))
        folders.append(Listing.of(tuple(path.split("/")), path, contents))
    return folders


def labelled(folders: list[Listing]) -> Iterator[Page]:
    """A page for each picture."""
    for folder in folders:
        label = folder.path.replace("원천", "라벨링")
        for name in folder.nfc_names():
            yield Page("public_admin", "train", name, 1, 1, f"{label}/{name[:-4]}.json")


def made_up(names: int) -> dict[str, str]:
    """Names as the set has them, in an order that is not sorted."""
    root = "/run/user/0/gvfs/ftp:host=192.0.2.1,user=ocr/Y:\\ocr_dataset/공공행정문서 OCR/Training/[원천]train1"
    chance = random.Random(1)
    numbers = chance.sample(range(10**9), names)
    return {
        f"{number // 100:07d}-{1990 + number % 30}-{number % 97:04d}-{number % 1000:04d}.jpg": (
            f"{root}/02.원천데이터(jpg)/인.허가/{number // 100:07d}/{1990 + number % 30}/"
            f"{number // 100:07d}-{1990 + number % 30}-{number % 97:04d}-{number % 1000:04d}.jpg"
        )
        for number in numbers
    }


def write_by_hand(target: Path, paths: dict[str, str]) -> int:
    """As the guide's script does it."""
    with gzip.open(target, "wb", compresslevel=9) as file:
        pickle.dump(paths, file, protocol=pickle.HIGHEST_PROTOCOL)
    return len(paths)


def write(target: Path, paths: dict[str, str]) -> int:
    """As the stage publishes it."""
    with publish_file(target) as draft:
        write_lookup(draft, paths)
    return len(paths)


def read_by_hand(path: Path) -> int:
    """As the guide's scripts do it: whatever the pickle says is run."""
    with gzip.open(path, "rb") as file:
        return len(pickle.load(file))  # noqa: S301 (written a moment ago, by this very program)


def read(path: Path) -> int:
    """As the stages load it."""
    return len(read_lookup(path))


def ask_by_hand(paths: dict[str, str], pages: list[Page]) -> int:
    """Exact names only."""
    return len([paths[page.image] for page in pages])


def ask(lookup: Lookup, pages: list[Page]) -> int:
    """By page, as the stages ask."""
    return len([lookup.find(page) for page in pages])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
