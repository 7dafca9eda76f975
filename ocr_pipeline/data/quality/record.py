"""What is known of one partition before training: the content of ``<partition>_quality.json``."""

from __future__ import annotations

from typing import Literal

import msgspec

from ocr_pipeline.page import Quad

CountState = Literal["matches", "differs", "sample", "unknown"]


class LabelPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """One word, and where to find it.

    Attributes:
        path: the picture as the lookup names it; None where it has none.
        text: the label as it stands in the label file.
    """

    image: str
    label: str
    path: str | None
    word: int
    text: str
    quad: Quad


class Distribution(msgspec.Struct, frozen=True):
    """Whole numbers, summarised.

    Attributes:
        bins: (first value of the bin, how many); the last bin is open.
    """

    count: int
    smallest: int
    median: int
    largest: int
    bins: list[tuple[int, int]]


class Suspicion(msgspec.Struct):
    """Labels of one kind that a person should look at: how many, and the first of them."""

    count: int = 0
    examples: list[LabelPlace] = msgspec.field(default_factory=list)


class Boxes(msgspec.Struct, frozen=True):
    """Word boxes: upright extents in pixels, and how many leave their page partly or wholly."""

    widths: Distribution
    heights: Distribution
    partly_outside: int
    wholly_outside: int


class PageName(msgspec.Struct, frozen=True, order=True):
    """A page as a person finds it."""

    partition: str
    split: str
    image: str
    path: str


class Group(msgspec.Struct, frozen=True):
    """Pages that are alike, by what: ``content`` (the same bytes) or ``name``."""

    by: Literal["content", "name"]
    pages: list[PageName]


class Alike(msgspec.Struct):
    """How many groups of pages are alike, how many pages stand in them, and the first groups."""

    groups: int = 0
    pages: int = 0
    examples: list[Group] = msgspec.field(default_factory=list)


class Comparison(msgspec.Struct):
    """The pictures of a partition beside those of its whole data set.

    Attributes:
        compared: pages with a picture.
        not_compared: pictures that could have a twin, but time was up or they had vanished.
        duplicates: pages whose pictures have the same bytes, at least one of them in this partition.
        near_names: pages of this partition whose names differ only by case or a copy mark.
        leaks: pages that stand in training and validation data at once, by content or by name.
    """

    compared: int = 0
    not_compared: int = 0
    duplicates: Alike = msgspec.field(default_factory=Alike)
    near_names: Alike = msgspec.field(default_factory=Alike)
    leaks: Alike = msgspec.field(default_factory=Alike)


class PublishedCount(msgspec.Struct, frozen=True):
    """What came in beside the number that is known of the set.

    Attributes:
        what: ``pages`` or ``words``, and of which partitions together.
        state: ``sample`` if clearly only a part was delivered; ``unknown`` if no number is known.
    """

    what: str
    found: int
    published: int | None
    state: CountState


class SamplePicture(msgspec.Struct, frozen=True):
    """A word (or page) as it looks.

    Attributes:
        kind: ``rare``, ``largest``, ``smallest``, ``duplicate``, ``leak``, or a kind of suspicion.
        caption: the label, the rare character or the page.
        note: one line more.
        jpeg: the picture, small.
    """

    kind: str
    caption: str
    note: str
    jpeg: bytes


class Quality(msgspec.Struct):
    """All numbers of one partition.

    Attributes:
        pages, words: by split.
        words_ignored: words without a legible transcription; they are left out of what is said about texts.
        crops: published crops, by artifact.
        characters: how often each character stands in the NFC labels, most frequent first.
        groups: characters by script.
        other_size: pages whose picture is not of the size that their label says, by artifact with crops.
        suspicions: labels to look at, by kind (see `labels.KINDS`).
    """

    partition: str
    dataset: str
    title: str
    pages: dict[str, int]
    words: dict[str, int]
    words_ignored: int
    crops: dict[str, int]
    published: list[PublishedCount]
    characters: dict[str, int]
    groups: dict[str, int]
    text_lengths: Distribution
    words_per_page: Distribution
    boxes: Boxes
    suspicions: dict[str, Suspicion]
    comparison: Comparison
    samples: list[SamplePicture]
    other_size: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def page_count(self) -> int:
        return sum(self.pages.values())

    @property
    def word_count(self) -> int:
        return sum(self.words.values())

    @property
    def suspicious_count(self) -> int:
        return sum(each.count for each in self.suspicions.values())

    def suspicious(self, kind: str) -> int:
        return self.suspicions[kind].count if kind in self.suspicions else 0
