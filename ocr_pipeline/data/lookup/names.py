"""Finding the picture of a page by name: NFC, whatever the case and extension; never by a part of a name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ocr_pipeline.data.lookup.mapped import MappedPaths
from ocr_pipeline.data.lookup.picture_versions import PictureVersions
from ocr_pipeline.data.lookup.refused import Refused
from ocr_pipeline.data.lookup.stems import stem_of
from ocr_pipeline.page import Page, Quarantined, nfc


@dataclass
class Lookup:
    """Picture names of one partition -> where the pictures lie.

    Attributes:
        paths: NFC file name -> path; a name that stands in several folders has one entry per folder instead, under
            its whole NFC path below the share's root.
        versions: size and time of the pictures, where they are known.
        refused: pages that get no picture although one of their name is there.
    """

    paths: Mapping[str, str]
    versions: PictureVersions | None = None
    refused: Refused = field(default_factory=dict)
    _by_stem: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def finder(self) -> Callable[[Page], str | Quarantined]:
        """`find` for one pass over all pages in their order: it tells a page that stands twice from its copy."""
        seen: Counter[tuple[str, str]] = Counter()

        def find(page: Page) -> str | Quarantined:
            key = page.label, page.image
            if key not in self.refused:
                return self.find(page)
            seen[key] += 1
            return self.find(page, seen[key] - 1)

        return find

    def find(self, page: Page, number: int = 0) -> str | Quarantined:
        """The path of a page's picture, or why there is none (``image_missing``, ``picture_ambiguous``, or
        ``duplicate_label`` where an earlier label says the same).

        Args:
            number: which of the pages with this label and image it is, from 0.
        """
        reason = self.refused.get((page.label, page.image), {}).get(number)
        if reason is not None:
            return label_copy(page) if reason == "duplicate_label" else not_its_picture(page)
        found = self._of_stem(nfc(page.stem).casefold())
        if page.image in found:
            return found[page.image]
        found = {key: path for key, path in found.items() if key.rpartition("/")[2] == page.image} or found
        if not found:
            return page.set_aside("image_missing", "no picture of that name is on the share")
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        return self._by_folder(page, found)

    def version(self, path: str) -> str:
        """A text that changes with the picture at a path that `find` gave; empty where nothing is known of it."""
        return self.versions.of(path) if self.versions else ""

    def _by_folder(self, page: Page, found: Mapping[str, str]) -> str | Quarantined:
        own = folder_key(page.label.rpartition("/")[0])
        matches = [path for key, path in found.items() if folder_key(key.rpartition("/")[0]) == own]
        if len(matches) == 1:
            return matches[0]
        folders = ", ".join(sorted(key.rpartition("/")[0] or "." for key in found))
        return page.set_aside("picture_ambiguous", f"pictures of that name stand in several folders: {folders}")

    def _of_stem(self, stem: str) -> Mapping[str, str]:
        """The pictures of that name, whatever their extension: key -> path."""
        if isinstance(self.paths, MappedPaths):
            return {one.key: one.path for one in self.paths.of_stem(stem)}
        if not self._by_stem and self.paths:
            by_stem = defaultdict(list)
            for key in self.paths:
                by_stem[stem_of(key.rpartition("/")[2])].append(key)
            self._by_stem = dict(by_stem)
        return {key: self.paths[key] for key in self._by_stem.get(stem, ())}


@lru_cache(maxsize=1024)
def folder_key(folder: str) -> tuple[str, ...]:
    """What a label's folder and its pictures' folder have in common.

    AI-Hub mirrors ``02.라벨링데이터/TL_x`` in ``01.원천데이터/TS_x``: what names the kind of folder goes, the rest is
    compared.
    """
    parts = [re.sub(r"^([TV])[LS](?=[_\d]|$)", r"\1", nfc(part)) for part in folder.split("/")]
    return tuple(part.casefold() for part in parts if "라벨" not in part and "원천" not in part)


def mirrors(label: str, picture: str) -> bool:
    """Whether a label's folder and its picture's are the same but for what names the kind of folder."""
    return folder_key(label.rpartition("/")[0]) == folder_key(picture.rpartition("/")[0])


def not_its_picture(page: Page) -> Quarantined:
    """The page of a label whose own picture is missing, while another folder has a picture and a label of that name."""
    return page.set_aside("image_missing", "the picture of that name lies with another label, in another folder")


def label_copy(page: Page) -> Quarantined:
    """The page of a label that an earlier label repeats."""
    return page.set_aside("duplicate_label", "an earlier label has the same words on the same picture")
