from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated

import pytest

from ocr_pipeline.data.annotations import AnnotationSettings
from ocr_pipeline.data.annotations import stage as annotation_stage
from ocr_pipeline.data.annotations.crops import Cropper
from ocr_pipeline.data.lookup import PageTask, page_shards
from ocr_pipeline.page import Page
from ocr_pipeline.settings import LATER, Setting
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.annotations import making
from ocr_pipeline_tests.data.annotations.making import FORMATS, build, texts_of
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, hand_tree, picture, write_tree


@pytest.fixture
def cropped(monkeypatch) -> list[str]:
    """The pictures of the pages that are cropped from now on."""
    monkeypatch.setattr(annotation_stage, "SHARD_SIZE", 4)
    crop, names = Cropper.crop, []

    def counting(self, page, *arguments):
        names.append(page.image)
        return crop(self, page, *arguments)

    monkeypatch.setattr(Cropper, "crop", counting)
    return names


@pytest.mark.parametrize("form", FORMATS)
def test_a_new_folder_crops_its_own_pages_only(tmp_path, workspace, cropped, form):
    root = write_tree(tmp_path / "share", hand_tree(60, folders=3))
    build(Share(root), workspace, form)
    assert len(cropped) == 60
    cropped.clear()
    write_tree(
        root,
        {
            f"{HAND_LABELS}/R.Free1b/IMG_OCR_53_4PR_90000.json": corner_label("새"),
            f"{HAND_PICTURES}/R.Free1b/IMG_OCR_53_4PR_90000.png": picture(),
        },
    )
    (manifest,) = build(Share(root), workspace, form)
    assert cropped == ["IMG_OCR_53_4PR_90000.png"]
    assert (manifest.counts.pages_in, manifest.counts.words_out) == (61, 121)
    assert "새" in texts_of(workspace, form)


@pytest.mark.parametrize("form", FORMATS)
def test_a_page_in_the_middle_moves_no_later_boundary(tmp_path, workspace, cropped, form):
    root = write_tree(tmp_path / "share", hand_tree(120))
    build(Share(root), workspace, form)
    cropped.clear()
    write_tree(
        root,
        {
            f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00010b.json": corner_label("새"),
            f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00010b.png": picture(),
        },
    )
    build(Share(root), workspace, form)
    assert 1 <= len(cropped) <= 17
    assert len(texts_of(workspace, form)) == 241


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_picture_crops_its_shard_only(tmp_path, workspace, cropped, form):
    root = write_tree(tmp_path / "share", hand_tree(60))
    build(Share(root), workspace, form)
    cropped.clear()
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00020.png": picture(width=80, seed=9)})
    build(Share(root), workspace, form)
    assert "IMG_OCR_53_4PR_00020.png" in cropped
    assert len(cropped) <= 16


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_that_no_label_names_changes_nothing(tmp_path, workspace, cropped, form):
    root = write_tree(tmp_path / "share", hand_tree(10))
    build(Share(root), workspace, form)
    target = workspace.annotations("handwriting", "train", form)
    file = target / "data.mdb" if form == "lmdb" else target
    before, inputs = file.stat(), read_manifest(target).inputs
    cropped.clear()
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_99999.png": picture()})
    build(Share(root), workspace, form)
    assert not cropped
    assert file.stat() == before
    assert read_manifest(target).inputs != inputs


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("settings", [{"quality": 60}, {"margin": "2"}, {"codec": "png"}, {"min_chars": 2}])
def test_other_settings_make_other_crops(tmp_path, workspace, form, settings):
    share = Share(write_tree(tmp_path / "share", hand_tree(3)))
    (before,) = build(share, workspace, form)
    (after,) = build(share, workspace, form, **settings)
    assert before.fingerprint != after.fingerprint
    assert after.settings[next(iter(settings))] == next(iter(settings.values()))
    if form == "jsonl":
        crops = [path for path in workspace.crops("handwriting", "train").rglob("*") if path.is_file()]
        assert len(crops) == after.counts.words_out


@dataclass(frozen=True)
class Grown(AnnotationSettings):
    shade: Annotated[int, Setting("Of a later version."), LATER] = 0


@pytest.mark.parametrize("form", FORMATS)
def test_a_setting_of_a_later_version_makes_no_crop_again_unless_it_says_otherwise(
    tmp_path, workspace, cropped, monkeypatch, form
):
    root = write_tree(tmp_path / "share", hand_tree(60, folders=3))
    (before,) = build(Share(root), workspace, form)
    monkeypatch.setattr(making, "AnnotationSettings", Grown)
    cropped.clear()
    assert build(Share(root), workspace, form) == [before] and not cropped
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00020.png": picture(width=80, seed=9)})
    build(Share(root), workspace, form)
    assert 1 <= len(cropped) <= 16
    (other,) = build(Share(root), workspace, form, shade=2)
    assert len(cropped) > 60 and other.settings == before.settings | {"shade": 2}


def test_crops_that_vanished_are_made_again_with_the_next_change(tmp_path, workspace, cropped):
    root = write_tree(tmp_path / "share", hand_tree(30))
    build(Share(root), workspace, "jsonl")
    gone = next(workspace.crops("handwriting", "train").rglob("*00005_*.jpg"))
    gone.unlink()
    write_tree(root, {f"{HAND_LABELS}/R.Free0/IMG_OCR_53_4PR_00025.json": corner_label("새")})
    build(Share(root), workspace, "jsonl")
    assert gone.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_a_page_that_stands_twice_in_the_merged_json_is_cropped_twice(tmp_path, workspace, monkeypatch, form):
    monkeypatch.setattr(annotation_stage, "SHARD_SIZE", 1)
    read = annotation_stage.read_pages
    monkeypatch.setattr(annotation_stage, "read_pages", lambda *where: [p for p in read(*where) for _ in range(2)])
    (manifest,) = build(Share(write_tree(tmp_path / "share", hand_tree(2))), workspace, form)
    assert (manifest.counts.pages_in, manifest.counts.words_out, manifest.counts.add_up) == (4, 8, True)
    assert texts_of(workspace, form) == ["가나", "글0"] * 2 + ["가나", "글1"] * 2


def test_files_of_other_programs_among_the_crops_stay(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    theirs = workspace.crops("handwriting", "train") / "R.Free0" / "hw_IMG_000001_1a2b3c4d.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    build(Share(root), workspace, "jsonl")
    assert theirs.read_bytes() == b"theirs"


# -- boundaries ------------------------------------------------------------------------------------------------------


def task(number: int, folder: str = "a") -> PageTask:
    return PageTask(Page("d", "train", f"{number}.png", 1, 1, f"{folder}/{number}.json"), f"{number}.png", str(number))


def parts(tasks: list[PageTask], size: int) -> list[tuple[PageTask, ...]]:
    return [shard.job for shard in page_shards(tasks, size)]


def test_shards_hold_every_page_in_its_order():
    tasks = [task(number) for number in range(3000)]
    found = parts(tasks, 50)
    assert [one for part in found for one in part] == tasks
    assert max(map(len, found)) <= 200
    assert 30 < 3000 / len(found) < 80


def test_most_boundaries_survive_any_additions():
    tasks = [task(number) for number in range(3000)]
    chance = random.Random(1)
    more = list(tasks)
    for number in range(5):
        more.insert(chance.randrange(len(more)), task(10_000 + number))
    before = {shard.fingerprint for shard in page_shards(tasks, 50)}
    after = [shard.fingerprint for shard in page_shards(more, 50)]
    assert sum(fingerprint not in before for fingerprint in after) <= 10


def test_folders_are_kept_apart_unless_that_makes_crumbs():
    apart = parts([task(number, f"folder{number // 40}") for number in range(2000)], 100)
    assert sum(len({one.page.label.split("/")[0] for one in part}) == 1 for part in apart) >= 0.8 * len(apart)
    mixed = [task(number, f"folder{number % 7}") for number in range(2000)]
    assert 2000 / len(parts(mixed, 100)) > 9
