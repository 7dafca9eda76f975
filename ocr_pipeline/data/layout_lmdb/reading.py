"""Pages with their pictures: found, decoded ahead of the model, and their words placed upon them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from ocr_pipeline.data.layout_lmdb.accounts import Accounts
from ocr_pipeline.data.layout_lmdb.decoding import DecodedPicture, DecodePicture
from ocr_pipeline.data.layout_lmdb.samples import PlacedWords, place_words
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.data.picture_size import Fitted, SizeDiffersError, fit, turned_back
from ocr_pipeline.page import Page, Quarantined
from ocr_pipeline.parallel import in_order
from ocr_pipeline.storage.files.orientation import orientation_of


class ReadPage(NamedTuple):
    """A page whose picture is whole, and its words upon it.

    Attributes:
        pixels: what the model is to see, uint8 [height, width, 3]; they are gone when the next page is asked for.
    """

    placed: PlacedWords
    picture: DecodedPicture
    pixels: np.ndarray


class _Asked(NamedTuple):
    """A page whose picture is decoded into a slot; none is if it is missing."""

    page: Page
    slot: int
    missing: Quarantined | None = None


@dataclass(frozen=True)
class PageReader:
    """Reads pages in their order; those that cannot be used are set aside.

    Attributes:
        decode: what a decode worker does with a path; it has as many slots as ``ahead``.
        workers: processes that decode; None: the caller does.
        ahead: most pages that are decoded and wait for the model.
    """

    decode: DecodePicture
    workers: Executor | None
    ahead: int
    accounts: Accounts

    def read(self, pages: Iterable[PageTask]) -> Iterator[ReadPage | None]:
        """Each page, or None for one that was set aside."""
        for (page, slot, missing), picture in in_order(self.workers, self.decode, self._tasks(pages), self.ahead):
            self.accounts.page_in(page)
            if missing is not None:
                self.accounts.without_picture(page, missing)
                yield None
            elif isinstance(picture, DecodedPicture):
                yield self._with_words(page, slot, picture)
            elif picture is not None:
                self.accounts.page_aside(page, picture.reason, picture.detail, len(page.words))
                yield None

    def _tasks(self, pages: Iterable[PageTask]) -> Iterator[tuple[_Asked, tuple[str, int] | None]]:
        # With ahead=3, the pages a b c d e go to the slots 0 1 2 0 1: in_order asks for d only when the caller is done
        # with a, so nobody has to say that slot 0 is free again.
        for number, (page, picture, _) in enumerate(pages):
            slot = number % self.ahead
            if isinstance(picture, Quarantined):
                yield _Asked(page, slot, picture), None
            else:
                yield _Asked(page, slot), (picture, slot)

    def _fitted(self, page: Page, slot: int, picture: DecodedPicture) -> Fitted:
        """The page upon the stored pixels: the picture is kept as it is, so words that count turned ones are turned."""

        @cache
        def orientation() -> int:
            return orientation_of(picture.image or self.decode.slots.file(slot, picture.in_slot))

        fitted = fit(page, picture.size, orientation, self.accounts.settings.other_size)
        if not fitted.is_turned:
            return fitted
        return fitted._replace(page=turned_back(fitted.page, orientation(), picture.size))

    def _with_words(self, page: Page, slot: int, picture: DecodedPicture) -> ReadPage | None:
        try:
            fitted = self._fitted(page, slot, picture)
            placed = place_words(fitted.page, picture.size)
        except SizeDiffersError as error:
            self.accounts.page_aside(page, "size_differs", str(error), len(page.words))
            return None
        except Exception as error:  # noqa: BLE001 (goes to the log there)
            self.accounts.unexpected(page, error, len(page.words))
            return None
        self.accounts.fitted(fitted)
        self.accounts.words_placed(placed)
        if page.words and not placed.words:  # as a sample it would teach that its text is background
            self.accounts.page_aside(page, "no_words_left", f"none of its {len(page.words)} words is on it", 0)
            return None
        slots = self.decode.slots
        if picture.in_slot:
            picture = picture._replace(image=slots.file(slot, picture.in_slot), in_slot=0)
        return ReadPage(placed, picture, slots.pixels[slot])
