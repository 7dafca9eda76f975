"""The pages of a folder of pictures with label files."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.data.picture_size import fit
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.judging.labelled.label_files import LabelledPicture, labelled_pictures
from ocr_pipeline.judging.labelled.page import UNREAD, LabelledPage, LabelledWord, spread
from ocr_pipeline.page import Page, Word
from ocr_pipeline.recognition.text import clean_label
from ocr_pipeline.storage.files.given_pictures import rgb_pixels
from ocr_pipeline.storage.files.orientation import orientation_of, upright


class FolderPages:
    """Labelled pages of a folder, at most so many, evenly spread."""

    def __init__(self, folder: Path, most: int = 0) -> None:
        self.name = folder.resolve().name
        pictures = labelled_pictures(folder)
        self._pictures = [pictures[number] for number in spread(len(pictures), most)]

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> LabelledPage:
        picture = self._pictures[index]
        data = _bytes_of(picture)
        stored = rgb_pixels(data)
        height, width = stored.shape[:2]
        page, is_turned = _upon(picture.page, (width, height), data)
        pixels = upright(stored, data) if is_turned else stored
        return LabelledPage(picture.path.name, picture.kind or "document", pixels, tuple(map(_labelled, page.words)))


def _upon(page: Page, size: tuple[int, int], data: bytes) -> tuple[Page, bool]:
    """The page upon its picture, and whether that is the one that stands upright: viewers count its pixels."""
    if not page.width:
        return page, True
    fitted = fit(page, size, lambda: orientation_of(data), "scale")
    return fitted.page, fitted.is_turned


def _bytes_of(picture: LabelledPicture) -> bytes:
    try:
        return picture.path.read_bytes()
    except OSError as error:
        raise PipelineError(
            f"the picture cannot be opened ({error.strerror})",
            where=picture.path,
            remedy=f"Put it where {picture.page.label} says, or take it out there.",
        ) from error


def _labelled(word: Word) -> LabelledWord:
    return LabelledWord(word.quad, clean_label(word.text) if word.state == "ok" else UNREAD, word.typeface)
