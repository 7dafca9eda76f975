from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import SYNTHETIC_PARTITIONS, source_partition
from ocr_pipeline.data.layout_lmdb import LayoutReader, LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.synthetic import SyntheticSettings, draw_source, judging_faces, korean_faces, source_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

TRAIN, VALID = SYNTHETIC_PARTITIONS["synthetic_train"], SYNTHETIC_PARTITIONS["synthetic_valid"]
SETTINGS = SyntheticSettings(
    pages=2, valid_pages=1, words=5, valid_words=3, side=256, faces=("Noto Sans KR", "Noto Serif KR")
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def archives(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(workspace.drawn.rglob("*.zip"))}


def test_what_is_drawn_goes_through_the_stages_like_any_set(workspace: Workspace) -> None:
    draw_source(TRAIN, workspace, SETTINGS)
    share = source_of(TRAIN, None, workspace)
    assert merge_labels(share, TRAIN, workspace).counts.pages_out == 7
    assert build_lookup(share, TRAIN, workspace).counts.pages_out == 7
    (crops,) = build_annotations(share, TRAIN, workspace, AnnotationSettings(output_format="lmdb"), crew=Processes(1))
    pages = list(read_pages(workspace.merged_json(TRAIN.key), TRAIN))
    labelled = [word for page in pages for word in page.words if word.state == "ok"]
    assert crops.counts.add_up and crops.counts.words_out == len(labelled)
    reader = CropReader(workspace.annotations("synthetic", "train", "lmdb"))
    assert sorted(reader.read(place).text for place in range(len(reader))) == sorted(word.text for word in labelled)
    build_layouts(share, TRAIN, workspace, LayoutSettings())
    layouts = LayoutReader(workspace.layout_lmdb("synthetic", "train"))
    assert len(layouts) == 2  # a word alone is nothing that a detector learns from
    assert layouts.read(0)[1].ignore_boxes() == []


def test_any_number_of_workers_draws_the_same_and_the_splits_differ(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    alone = draw_source(TRAIN, workspace, SETTINGS)
    together = draw_source(TRAIN, other, SETTINGS, workers=2)
    draw_source(VALID, workspace, SETTINGS)
    assert alone == together
    assert archives(other) == {name: archives(workspace)[name] for name in ("TL.zip", "TS.zip")}
    assert len(set(archives(workspace).values())) == 4


def test_more_pages_leave_the_earlier_ones_as_they_are(workspace: Workspace) -> None:
    draw_source(TRAIN, workspace, SETTINGS)
    before = source_of(TRAIN, None, workspace).read("synthetic/1.Training/TS.zip/page_0_00000001.jpg")
    draw_source(TRAIN, workspace, replace(SETTINGS, pages=3))
    assert source_of(TRAIN, None, workspace).read("synthetic/1.Training/TS.zip/page_0_00000001.jpg") == before


def test_what_is_current_is_not_drawn_again_and_the_manifest_names_every_face(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draw_source(TRAIN, workspace, SETTINGS)
    assert [one.name for one in made.inputs] == ["Noto Sans KR (OFL-1.1)", "Noto Serif KR (OFL-1.1)"]
    monkeypatch.setattr("ocr_pipeline.data.synthetic.source.draw_page", None)
    assert draw_source(TRAIN, workspace, SETTINGS) == made


def test_a_drawing_that_fails_leaves_no_manifest_beside_what_it_did_not_make(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_source(TRAIN, workspace, SETTINGS)
    before, artifact = archives(workspace), workspace.drawn_source("synthetic", "train")
    monkeypatch.setattr("ocr_pipeline.data.synthetic.source.simplejpeg.encode_jpeg", None)
    with pytest.raises(TypeError):
        draw_source(TRAIN, workspace, replace(SETTINGS, seed=1))
    manifest = read_manifest(artifact)
    assert archives(workspace) == before and manifest and manifest.settings["seed"] == 0


def test_faces_that_judge_are_not_drawn_in(workspace: Workspace) -> None:
    held_out = [face.name for face in judging_faces(korean_faces())] or ["Baekmuk Gulim"]
    with pytest.raises(PipelineError, match="held out for judging"):
        draw_source(TRAIN, workspace, replace(SETTINGS, faces=tuple(held_out)))


def test_kinds_of_pages_are_chosen_by_name(workspace: Workspace) -> None:
    with pytest.raises(PipelineError, match="no such kind of pages"):
        draw_source(TRAIN, workspace, replace(SETTINGS, page_kinds=("poster",)))
    empty = draw_source(TRAIN, workspace, replace(SETTINGS, page_kinds=("empty",), words=0))
    assert (empty.counts.pages_out, empty.counts.words_out) == (2, 0)


def test_a_set_that_lies_on_the_share_stays_there(workspace: Workspace, tmp_path: Path) -> None:
    share = Share(tmp_path)
    assert source_of(source_partition("handwriting_train"), share, workspace) is share
    with pytest.raises(PipelineError, match="no source is set"):
        source_of(source_partition("handwriting_train"), None, workspace)
