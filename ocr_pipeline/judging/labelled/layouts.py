"""The pages of a layout LMDB: a partition's own, or any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import partial
from pathlib import Path

from ocr_pipeline.data.datasets import EVERY_PARTITION
from ocr_pipeline.data.layout_lmdb import LayoutReader, LayoutRecord, LayoutWord
from ocr_pipeline.judging.labelled.page import UNREAD, LabelledPage, LabelledWord, spread
from ocr_pipeline.page import Quad
from ocr_pipeline.recognition.text import clean_label
from ocr_pipeline.storage.files.given_pictures import rgb_pixels

Typefaces = Mapping[tuple[str, str, int], int]
"""How words are written, by the label and the image of their page and their own id."""

_SCENES = {part.dataset.name for part in EVERY_PARTITION.values() if not part.dataset.documents}


class LayoutPages:
    """Labelled pages of an LMDB, at most so many, evenly spread; text that nobody labelled need not be found.

    Args:
        typefaces: gives those of pages that are named by their labels and images; the LMDB does not say.
    """

    def __init__(
        self, path: Path, most: int = 0, typefaces: Callable[[Set[tuple[str, str]]], Typefaces] = lambda _: {}
    ) -> None:
        self.name = path.name.removesuffix(".lmdb").removesuffix("_layout")
        self._reader = LayoutReader(path)
        self._chosen = spread(len(self._reader), most)
        records = (self._reader.read(number)[1] for number in self._chosen)
        self._typefaces = typefaces({(record.label, record.image) for record in records})

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, index: int) -> LabelledPage:
        image, record = self._reader.read(self._chosen[index])
        typeface = partial(self._typeface, record)
        words = tuple(LabelledWord(word.quad, _text(word), typeface(word)) for word in record.words)
        unlabelled = tuple(LabelledWord(_corners(*box), UNREAD) for box in record.ignore_boxes())
        kind = "scene" if record.dataset in _SCENES else "document"
        return LabelledPage(
            record.image or f"sample {self._chosen[index]}", kind, rgb_pixels(image), words + unlabelled
        )

    def _typeface(self, record: LayoutRecord, word: LayoutWord) -> int | None:
        return self._typefaces.get((record.label, record.image, word.id))


def _text(word: LayoutWord) -> str:
    return clean_label(word.text) if word.state == "ok" else UNREAD


def _corners(left: float, top: float, right: float, bottom: float) -> Quad:
    return (left, top), (right, top), (right, bottom), (left, bottom)
