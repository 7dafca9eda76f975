"""The size that a label says of its picture, held against the picture's own: words are cut only where they lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from msgspec.structs import replace

from ocr_pipeline.page import Page, Point
from ocr_pipeline.settings import Setting
from ocr_pipeline.storage.files.orientation import as_stored
from ocr_pipeline.storage.files.pictures import MOST_PIXELS_VARIABLE

Size = tuple[int, int]
"""Width and height in pixels."""

OtherSize = Annotated[
    Literal["aside", "scale", "ignore"],
    Setting(
        "A picture of another size than its label says: aside sets the page aside, scale moves the corners by the same "
        "measure, ignore takes them as pixels of the picture.",
        env="OCR_PIPELINE_OTHER_SIZE",
    ),
]
MostPixels = Annotated[
    int, Setting("Larger pictures are set aside before memory is taken for them.", env=MOST_PIXELS_VARIABLE, least=1)
]


OTHER_SIZE_NOTES = ("exif_applied", "exif_not_applied", "size_scaled", "size_differs")
"""Under which pages are counted that were not of the size told, and are used nevertheless."""


class SizeDiffersError(ValueError):
    """The label counts pixels of another picture than this."""


class Fitted(NamedTuple):
    """A page whose words lie on its picture.

    Attributes:
        is_turned: they count the pixels of the picture as its EXIF orientation turns it.
        note: what was out of the usual; empty for nothing.
    """

    page: Page
    is_turned: bool = False
    note: str = ""


def fit(
    page: Page,
    stored: Size,
    orientation: Callable[[], int],
    other_size: Literal["aside", "scale", "ignore"],
    *,
    turn: bool = False,
) -> Fitted:
    """The page as it lies on its picture.

    Args:
        stored: size of the stored pixels.
        orientation: tells the picture's EXIF orientation; asked only where that matters.
        turn: whether labels count the turned picture. Where the label's size is that of the other, the label is right.

    Raises:
        SizeDiffersError: label and picture differ in size, and are to be set aside then.
    """
    told = (page.width, page.height)
    if stored == told and not turn:
        return Fitted(page)
    turned = stored[::-1] if orientation() >= 5 else stored
    seen, other = (turned, stored) if turn else (stored, turned)
    if seen == told:
        return Fitted(page, turn)
    if other == told:
        return Fitted(page, not turn, "exif_not_applied" if turn else "exif_applied")
    if other_size == "aside":
        width, height = seen
        raise SizeDiffersError(f"the label counts {page.width}x{page.height} pixels, the picture has {width}x{height}")
    if other_size == "scale":
        return Fitted(_scaled(page, seen), turn, "size_scaled")
    return Fitted(page, turn, "size_differs")


def turned_back(page: Page, orientation: int, stored: Size) -> Page:
    """A page whose words count the turned picture, counting stored pixels; their corners keep their order."""
    return _moved(page, lambda point: as_stored(point, orientation, stored), stored)


def _scaled(page: Page, size: Size) -> Page:
    across, down = size[0] / page.width, size[1] / page.height
    return _moved(page, lambda point: (point[0] * across, point[1] * down), size)


def _moved(page: Page, move: Callable[[Point], Point], size: Size) -> Page:
    words = []
    for word in page.words:
        a, b, c, d = map(move, word.quad)
        words.append(replace(word, quad=(a, b, c, d)))
    return replace(page, width=size[0], height=size[1], words=tuple(words))
