"""The label files of a folder, whoever wrote them, as pages and the pictures they belong to.

AI-Hub's label JSON (one for each picture), PPOCRLabel's ``Label.txt``, and lines of JSON, one for each picture:
``{"image": path below the folder, "words": [{"poly": [[x, y] x 4], "text": ...}], "kind": ...}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ocr_pipeline.data.datasets import DATASETS, LabelError
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import PICTURE_ENDINGS, Page, Quad, Word, nfc, word_state

_NO_SIZE = 0
_IS_LABEL = re.compile(r"[^\t]+\t\[(\{|\]\s*$)")
_Pictures = dict[str, list[Path]]
"""All pictures there are, by their names without ending."""


class LabelledPicture(NamedTuple):
    """A picture and its labels.

    Attributes:
        page: its words; width and height are 0 where the label does not tell which pixels it counts.
        kind: as the label calls it, else empty.
    """

    path: Path
    page: Page
    kind: str = ""


def labelled_pictures(folder: Path) -> list[LabelledPicture]:
    """All pictures of a folder, and of those below it, that have labels.

    Raises:
        PipelineError: there is none, or a label file makes no sense.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    pictures = _by_stem(files)
    found = [picture for path in files for picture in _read(path, pictures)]
    if found:
        return found
    raise PipelineError(
        "no picture here has labels",
        where=folder,
        remedy="Give a layout LMDB, or a folder of pictures with AI-Hub's label files, PPOCRLabel's Label.txt, or a "
        "*.jsonl with a line {image, words: [{poly, text}]} for each picture.",
    )


def _by_stem(files: Iterable[Path]) -> _Pictures:
    pictures: _Pictures = {}
    for file in files:
        if file.suffix.lower() in PICTURE_ENDINGS:
            pictures.setdefault(nfc(file.stem), []).append(file)
    return pictures


def _read(path: Path, pictures: _Pictures) -> Iterable[LabelledPicture]:
    """What one file labels; nothing where it is no label file."""
    kind = path.suffix.lower()
    if kind == ".json":
        return _aihub(path, pictures)
    return _lines(path) if kind == ".jsonl" else _ppocr(path) if kind == ".txt" else ()


class _LineWord(msgspec.Struct):
    poly: list[tuple[float, float]]
    text: str | None = None


class _Line(msgspec.Struct):
    image: str
    words: list[_LineWord]
    width: int = _NO_SIZE
    height: int = _NO_SIZE
    kind: str = ""


def _lines(path: Path) -> Iterator[LabelledPicture]:
    decoder = msgspec.json.Decoder(_Line)
    for number, text in _text_lines(path):
        try:
            line = decoder.decode(text)
            words = tuple(_word(place, word.text, word.poly) for place, word in enumerate(line.words))
        except (msgspec.MsgspecError, ValueError) as error:
            raise _no_label(f"{path}, line {number}", error) from error
        page = Page("", "", nfc(line.image), line.width, line.height, path.name, words)
        yield LabelledPicture(path.parent / line.image, page, line.kind)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, by their numbers; a text within them may hold U+2028, which ends no line here."""
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")  # bytes that are no text: no label
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


class _PpocrWord(msgspec.Struct):
    transcription: str
    points: list[tuple[float, float]]
    difficult: bool = False


def _ppocr(path: Path) -> Iterator[LabelledPicture]:
    """Lines of a picture, a tab, and its words; other text files have none."""
    decoder = msgspec.json.Decoder(list[_PpocrWord])
    if not any(_IS_LABEL.match(line) for _, line in _text_lines(path)):
        return
    for _, line in _text_lines(path):
        name, _, labels = line.partition("\t")
        try:
            words = tuple(
                _word(place, None if word.difficult else word.transcription, word.points)
                for place, word in enumerate(decoder.decode(labels))
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise _no_label(f"{path}, {name}", error) from error
        yield LabelledPicture(_ppocr_picture(path, name), Page("", "", nfc(name), 0, 0, path.name, words))


def _ppocr_picture(labels: Path, name: str) -> Path:
    """PPOCRLabel names pictures with their folder, which is that of the labels themselves."""
    places = [labels.parent / name, labels.parent.parent / name, labels.parent / Path(name).name]
    return next((place for place in places if place.is_file()), places[0])


def _aihub(path: Path, pictures: _Pictures) -> Iterator[LabelledPicture]:
    """The page of a label file of any of AI-Hub's sets, if its picture is there; the one beside it comes first."""
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for page in _pages_of(document, path.name):
        found = sorted(
            pictures.get(nfc(page.stem), ()),
            key=lambda picture: (nfc(picture.name) != page.image, picture.parent != path.parent),
        )
        if found:
            yield LabelledPicture(found[0], page)


def _pages_of(document: Any, label: str) -> list[Page]:
    for dataset in DATASETS:
        try:
            return dataset.read(document, label, "").pages if isinstance(document, Mapping) else []
        except LabelError:
            continue
    return []


def _word(place: int, text: str | None, corners: Iterable[tuple[float, float]]) -> Word:
    return Word(place, nfc(text or ""), _quad(list(corners)), word_state(text))


def _quad(corners: list[tuple[float, float]]) -> Quad:
    if len(corners) != 4:
        raise ValueError(f"a word has {len(corners)} corners, not 4")
    a, b, c, d = corners
    return a, b, c, d


def _no_label(where: str, error: Exception) -> PipelineError:
    return PipelineError(f"the label makes no sense ({error})", where=where, remedy="Correct it, or take it out.")
