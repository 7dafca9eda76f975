"""Write all five sets, in small, as they lie on the share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocr_pipeline.data.synthetic import label_forms
from ocr_pipeline.data.synthetic.faults import FIRST_FAULTY_PAGE, PlantedFault, faulty_sheets
from ocr_pipeline.data.synthetic.label_forms import Label
from ocr_pipeline.data.synthetic.share import DRAWN_PARTITIONS, WILD_LABEL, PageSize, encode_label, make_sheet
from ocr_pipeline.errors import PipelineError

DEFAULT_PAGE_SIZE = (512, 704)
SMALLEST_SIDE = 96


@dataclass(frozen=True)
class Collection:
    """What `write_collection` wrote.

    Attributes:
        root: the share.
        pages, words: sound pages, and their readable labelled words, by partition.
        faults: what was planted, each on a page of its own beside the sound ones.
    """

    root: Path
    pages: dict[str, int]
    words: dict[str, int]
    faults: tuple[PlantedFault, ...] = ()


def write_collection(
    root: Path,
    *,
    pages: int | Mapping[str, int],
    seed: int = 0,
    faults: bool = False,
    nfd: bool = False,
    page_size: tuple[int, int] = DEFAULT_PAGE_SIZE,
) -> Collection:
    """Lay out all five sets below ``root``; the same arguments give the same bytes.

    A page depends on the seed, its partition and its number alone: more pages leave the earlier ones as they are, and
    files that already hold what they should are not touched.

    Args:
        pages: number of pages of each training partition (the others get a quarter, at least two), or by partition.
        faults: plant the faults of `faults.FAULTS`, each on a further page, in the partitions that have pages.
        nfd: write all folder and file names in NFD, as macOS unpacks them.
        page_size: width and height of documents in pixels; scenes are as wide, and three quarters of that high.

    Raises:
        PipelineError: an unknown partition, too many pages, or too small ones.
    """
    number = _pages_by_partition(pages)
    size = _sizes(page_size)
    words, planted, wild = dict.fromkeys(number, 0), [], []
    for partition, files, label, readable, fault in _sheets(number, seed, size, faults):
        if partition == "text_in_wild":
            wild.append(label)
        if fault is None:
            words[partition] += readable
        else:
            planted.append(fault)
        for path, content in files.items():
            _write(root, path, content, nfd)
    if wild:
        _write(root, WILD_LABEL, encode_label(label_forms.text_in_wild(wild)), nfd)
    return Collection(root, number, words, tuple(planted))


def _sheets(
    number: Mapping[str, int], seed: int, size: PageSize, faults: bool
) -> Iterator[tuple[str, dict[str, bytes], Label, int, PlantedFault | None]]:
    for partition, count in number.items():
        for index in range(count):
            sheet = make_sheet(partition, index, seed, size)
            yield partition, sheet.files(), sheet.label, sheet.words, None
        if faults and count:
            for sheet, files, fault in faulty_sheets(partition, seed, size):
                yield partition, files, sheet.label, sheet.words, fault


def _pages_by_partition(pages: int | Mapping[str, int]) -> dict[str, int]:
    if isinstance(pages, Mapping):
        number = {partition: pages.get(partition, 0) for partition in DRAWN_PARTITIONS}
        unknown = sorted(set(pages) - set(DRAWN_PARTITIONS))
        if unknown:
            remedy = f"Choose from: {', '.join(DRAWN_PARTITIONS)}."
            raise PipelineError("no such partition", where=", ".join(unknown), remedy=remedy)
    else:
        few = min(pages, max(2, pages // 4))
        number = {partition: few if partition.endswith("_valid") else pages for partition in DRAWN_PARTITIONS}
    if max(number.values()) > FIRST_FAULTY_PAGE or min(number.values()) < 0:
        raise PipelineError(
            "a number of pages out of range",
            where=max(number.values(), key=abs),
            remedy=f"Ask for 0 to {FIRST_FAULTY_PAGE} pages of a partition.",
        )
    return number


def _sizes(page_size: tuple[int, int]) -> PageSize:
    width, height = page_size
    if min(width * 3 // 4, height) < SMALLEST_SIDE or height < width:
        remedy = f"Ask for upright pages at least {SMALLEST_SIDE * 4 // 3} pixels wide."
        raise PipelineError("pages too small or too flat for words", where=f"{width}x{height}", remedy=remedy)
    return PageSize((width, height), (width, width * 3 // 4))


def _write(root: Path, path: str, content: bytes, nfd: bool) -> None:
    target = root / (unicodedata.normalize("NFD", path) if nfd else path)
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
