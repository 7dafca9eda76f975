"""Whatever a reader throws at one item, that item is set aside as `unexpected`, and all others go on."""

from __future__ import annotations

import errno
import struct
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import SourcePartition, source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import label_shards, merge_labels
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source import archive_files
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.trees import (
    HAND_PICTURES,
    WILD,
    WILD_LABEL,
    hand_tree,
    picture,
    wild_image,
    wild_label,
    wild_word,
    write_tree,
)

Make = Callable[[Share, Workspace, SourcePartition], Manifest]

ERRORS = (
    KeyError("k"),
    IndexError(),
    TypeError("t"),
    AttributeError("a"),
    AssertionError(),
    RecursionError("r"),
    ZeroDivisionError("z"),
    RuntimeError("generator raised StopIteration"),
    struct.error("s"),
    cv2.error("c"),
    LookupError("unknown encoding"),
    BufferError("\x1b[2J"),
)


def crops(share: Share, workspace: Workspace, partition: SourcePartition) -> Manifest:
    return build_annotations(share, partition, workspace, AnnotationSettings("lmdb"), crew=Processes(1))[0]


def layouts(share: Share, workspace: Workspace, partition: SourcePartition) -> Manifest:
    return build_layouts(share, partition, workspace, LayoutSettings(), crew=Processes(1))[0]


CHAIN: tuple[Make, ...] = (
    lambda share, workspace, partition: merge_labels(share, partition, workspace, workers=1),
    lambda share, workspace, partition: build_lookup(share, partition, workspace),
)
READERS: dict[str, tuple[str, int, Make]] = {
    "merged_json.label_shards.read_label": ("handwriting_train", 0, CHAIN[0]),
    "datasets.text_in_wild.base_name": ("text_in_wild", 0, CHAIN[0]),
    "datasets.text_in_wild._add_usual": ("text_in_wild", 0, CHAIN[0]),
    "lookup.matching.tail_is_whole": ("handwriting_train", 1, CHAIN[1]),
    "annotations.crops.decode_picture": ("handwriting_train", 2, crops),
    "annotations.crops.upright_box": ("handwriting_train", 2, crops),
    "layout_lmdb.decoding.decode_picture": ("handwriting_train", 2, layouts),
    "layout_lmdb.reading.place_words": ("handwriting_train", 2, layouts),
}
"""Reader -> partition, how many stages come before, and the stage that reads."""


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Share:
    images = [wild_image(str(number), f"{number}.png") for number in range(4)]
    words = [wild_word(str(number), f"글{number}", [2, 4, 10, 10]) for number in range(4)]
    pictures = {f"{WILD}/Goods/{number}.png": picture() for number in range(4)}
    strangers = {f"{HAND_PICTURES}/nobody{number}.png": picture() for number in range(3)}
    tree = {**hand_tree(4), **pictures, **strangers, WILD_LABEL: wild_label(images, words)}
    return Share(write_tree(tmp_path_factory.mktemp("share"), tree))


def failing_once(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """The same function, but for the second time that it is called."""
    calls = count()

    def function(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 1:
            raise error
        return real(*arguments, **named)

    return function


@pytest.mark.parametrize("errors", [ERRORS[:1], pytest.param(ERRORS, marks=pytest.mark.slow)], ids=["one", "all"])
@pytest.mark.parametrize("reader", READERS)
def test_any_error_of_a_reader_costs_one_item(
    share: Share,
    tmp_path: Path,
    reader: str,
    errors: tuple[Exception, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key, before, make = READERS[reader]
    module, _, name = f"ocr_pipeline.data.{reader}".rpartition(".")
    real = getattr(__import__(module, fromlist=[name]), name)
    for number, error in enumerate(errors):
        workspace, partition = Workspace(tmp_path / str(number)), source_partition(key)
        for stage in CHAIN[:before]:
            stage(share, workspace, partition)
        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.{name}", failing_once(real, error))
            counts = make(share, workspace, partition).counts
        assert counts.add_up and counts.pages_out >= 3, "all others are there"
        assert counts.reasons["page"]["unexpected"] == 1
        assert type(error).__name__ in caplog.text, "its traceback is in the log"
        caplog.clear()


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_any_error_of_an_archive_is_damage_of_that_archive(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "TL.zip", "w") as archive:
        archive.writestr("a.json", "{}")
    (tmp_path / "b.json").write_text("{}")
    monkeypatch.setattr(archive_files, "Archive", failing_once(archive_files.Archive, error))
    assert {entry.name for entry in Share(tmp_path).walk()} == {"a.json", "b.json"}
    faults = {entry.name: entry.fault for entry in Share(tmp_path).walk()}
    assert faults["b.json"] == "" and type(error).__name__ in faults["TL.zip"]


def test_what_this_machine_lacks_ends_the_step(share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = label_shards.read_label
    for error in (MemoryError(), OSError(errno.EMFILE, "too many"), PipelineError("away", where="x", remedy="y")):
        monkeypatch.setattr(label_shards, "read_label", failing_once(real, error))
        with pytest.raises(PipelineError):
            CHAIN[0](share, Workspace(tmp_path / repr(error)[:9]), source_partition("handwriting_train"))
