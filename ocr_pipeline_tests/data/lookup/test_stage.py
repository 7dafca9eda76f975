from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import fsspec
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import PARTITIONS, source_partition
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.lookup.format import read_lookup, write_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import Manifest, quarantine_path
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.storage.source.ftp_server import serving
from ocr_pipeline_tests.trees import FINANCE, HAND_PICTURES, HANDWRITING, corner_label, hand_tree, picture, write_tree

TRAIN = source_partition("handwriting_train")


def build(share: Share, workspace: Workspace, partition=TRAIN) -> Manifest:
    merge_labels(share, partition, workspace)
    return build_lookup(share, partition, workspace)


def aside(workspace: Workspace, key: str = TRAIN.key) -> list[tuple[str, str]]:
    return [(record.reason, record.image) for record in read_quarantine(quarantine_path(workspace.lookup(key)))]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_lead_to_readable_paths(tmp_path, workspace, form):
    share = Share(write_tree(tmp_path / "share", hand_tree(3), form))
    manifest = build(share, workspace)
    lookup = load_lookup(workspace, TRAIN)
    assert workspace.lookup(TRAIN.key).name == "lookup_handwriting_train.pkl.gz"
    assert list(lookup.paths) == [f"IMG_OCR_53_4PR_{number:05d}.png" for number in range(3)]
    for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN):
        assert Path(lookup.find(page)).read_bytes().startswith(b"\x89PNG")
    assert (manifest.counts.pages_in, manifest.counts.pages_out, manifest.counts.add_up) == (3, 3, True)


@pytest.mark.parametrize("key", PARTITIONS)
def test_every_planted_fault_of_pictures_is_in_the_report(faulty_collection, workspace, key):
    manifest = build(Share(faulty_collection.root), workspace, PARTITIONS[key])
    planted = {
        (fault.reason, fault.image)
        for fault in faulty_collection.faults
        if fault.partition == key and fault.reason in ("image_missing", "label_missing")
    }
    # a picture whose label cannot be read has no label
    planted |= {
        ("label_missing", fault.image)
        for fault in faulty_collection.faults
        if fault.partition == key and fault.reason == "label_unreadable"
    }
    # of a picture in two folders, the one beside the label's folder is taken
    planted |= {
        ("label_missing", fault.image)
        for fault in faulty_collection.faults
        if fault.partition == key and "two folders" in fault.what
    }
    assert {(reason, image.rpartition("/")[2]) for reason, image in aside(workspace, key)} == planted
    assert manifest.counts.add_up


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    root = write_tree(tmp_path / "share", hand_tree(5, folders=2))
    for name in ("one", "other"):
        build(Share(root), Workspace(tmp_path / name))
    one, other = (Workspace(tmp_path / name).lookup(TRAIN.key).read_bytes() for name in ("one", "other"))
    assert one == other
    write_lookup(tmp_path / "x", {"b": "2", "a": "1"})
    write_lookup(tmp_path / "y", {"a": "1", "b": "2"})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert one[4:8] == bytes(4)  # where gzip keeps the time


def test_earlier_programs_read_the_lookup(tmp_path, workspace):
    build(Share(write_tree(tmp_path / "share", hand_tree(1))), workspace)
    with gzip.open(workspace.lookup(TRAIN.key), "rb") as file:
        assert pickle.load(file) == {  # noqa: S301 (written just now)
            "IMG_OCR_53_4PR_00000.png": f"{tmp_path}/share/{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00000.png"
        }


def test_a_name_in_two_folders_goes_by_the_folder_of_its_label(tmp_path, workspace):
    files = {
        f"{FINANCE}/02.라벨링데이터/TL_금융_2/n.json": corner_label("가"),
        f"{FINANCE}/01.원천데이터/TS_금융_1/n.png": picture(seed=1),
        f"{FINANCE}/01.원천데이터/TS_금융_2/n.png": picture(seed=2),
    }
    partition = source_partition("finance_logistics_train")
    share = Share(write_tree(tmp_path / "share", files, "NFD"))
    build(share, workspace, partition)
    (page,) = read_pages(workspace.merged_json(partition.key), partition)
    found = load_lookup(workspace, partition).find(page)
    assert share.read(share.below_root(found)) == picture(seed=2)
    assert aside(workspace, partition.key) == [("label_missing", f"{FINANCE}/01.원천데이터/TS_금융_1/n.png")]


def test_a_picture_without_label_is_looked_at(tmp_path, workspace):
    files = {
        f"{HAND_PICTURES}/whole.png": picture(),
        f"{HAND_PICTURES}/half.png": picture()[:-20],
        f"{HAND_PICTURES}/half.jpg": picture(".jpg")[:-20],
        f"{HAND_PICTURES}/whole.bmp": picture(".bmp"),
        f"{HAND_PICTURES}/empty.png": b"",
    }
    manifest = build(Share(write_tree(tmp_path / "share", files)), workspace)
    assert {image.rpartition("/")[2]: reason for reason, image in aside(workspace)} == {
        "whole.png": "label_missing",
        "half.png": "image_unreadable",
        "half.jpg": "image_unreadable",
        "whole.bmp": "label_missing",
        "empty.png": "image_unreadable",
    }
    assert (manifest.counts.pages_in, manifest.counts.pages_out, manifest.counts.add_up) == (5, 0, True)


def test_a_second_run_does_nothing_and_a_new_picture_makes_it_stale(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    first = build(Share(root), workspace)
    before = workspace.lookup(TRAIN.key).stat().st_mtime_ns
    assert build(Share(root), workspace) == first
    assert workspace.lookup(TRAIN.key).stat().st_mtime_ns == before
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/new.png": picture()})
    assert build(Share(root), workspace).fingerprint != first.fingerprint
    assert "new.png" in load_lookup(workspace, TRAIN).paths


def test_a_changed_picture_changes_the_fingerprint_though_not_the_names(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(1))
    first = build(Share(root), workspace)
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/IMG_OCR_53_4PR_00000.png": picture(width=80)})
    assert build(Share(root), workspace).fingerprint != first.fingerprint


def test_the_stamp_of_a_picture_changes_with_it_alone(tmp_path, workspace):
    root = write_tree(tmp_path / "share", hand_tree(2))
    build(Share(root), workspace)
    names = ["IMG_OCR_53_4PR_00000.png", "IMG_OCR_53_4PR_00001.png"]
    before = load_lookup(workspace, TRAIN)
    stamps = [before.version(before.paths[name]) for name in names]
    assert all(stamps)
    assert before.version("/nowhere.png") == ""
    write_tree(root, {f"{HAND_PICTURES}/R.Free0/{names[0]}": picture(width=80)})
    build(Share(root), workspace)
    after = load_lookup(workspace, TRAIN)
    assert [after.version(after.paths[name]) == old for name, old in zip(names, stamps, strict=True)] == [False, True]


def test_a_lookup_without_stamps_knows_none_and_damaged_ones_are_a_mendable_error(tmp_path, workspace):
    build(Share(write_tree(tmp_path / "share", hand_tree(1))), workspace)
    lookup = load_lookup(workspace, TRAIN)
    (path,) = lookup.paths.values()
    sidecar = workspace.lookup(TRAIN.key).with_name(f"lookup_{TRAIN.key}.pkl.gz.stamps")
    for damaged in (b"", b"text", sidecar.read_bytes()[:-1]):
        sidecar.write_bytes(damaged)
        with pytest.raises(PipelineError, match="stamps"):
            load_lookup(workspace, TRAIN)
    sidecar.unlink()
    assert load_lookup(workspace, TRAIN).version(path) == ""


def test_without_the_merged_json_the_error_names_it(tmp_path, workspace):
    share = Share(write_tree(tmp_path / "share", hand_tree(1)))
    with pytest.raises(PipelineError, match="merged_json is not published"):
        build_lookup(share, TRAIN, workspace)


class Attack:
    def __reduce__(self):
        return print, ("this ran",)


@pytest.mark.parametrize(
    "content",
    [{"a": Attack()}, {"a": 1}, {1: "a"}, ["a"], "a", {"a": {"b": "c"}}, {"a": b"bytes"}, {"a": {1, 2}}],
)
def test_a_pickle_of_anything_but_strings_is_refused(tmp_path, capsys, content):
    path = tmp_path / "lookup.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(content)))
    with pytest.raises(PipelineError, match=r"lookup\.pkl\.gz"):
        read_lookup(path)
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_lookups_of_any_protocol_are_read(tmp_path, protocol):
    path = tmp_path / "lookup.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps({"가.png": "/가.png"}, protocol=protocol)))
    assert read_lookup(path) == {"가.png": "/가.png"}


@pytest.mark.parametrize(
    "damage", [b"", b"text", *(gzip.compress(pickled, mtime=0) for pickled in (b"", b"text", b"\x80\x04"))]
)
def test_a_damaged_lookup_is_a_mendable_error(tmp_path, damage):
    path = tmp_path / "lookup.pkl.gz"
    path.write_bytes(damage)
    with pytest.raises(PipelineError, match="cannot be read"):
        read_lookup(path)


def test_no_cut_and_no_changed_byte_is_more_than_a_damaged_lookup(tmp_path):
    path = tmp_path / "lookup.pkl.gz"
    raw = pickle.dumps({f"{number}.png": f"/{number}.png" for number in range(5)}, protocol=4)
    for place in range(len(raw)):
        for changed in (raw[:place], raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :]):
            path.write_bytes(gzip.compress(changed))
            try:
                content = read_lookup(path)
            except PipelineError:
                continue
            assert all(isinstance(text, str) for pair in content.items() for text in pair)


def test_no_lookup_at_all(tmp_path):
    with pytest.raises(PipelineError, match="there is no lookup"):
        read_lookup(tmp_path / "none.pkl.gz")


def test_remote_shares_give_urls_without_the_password(tmp_path, workspace):
    root = write_tree(tmp_path / "share", {**hand_tree(2), f"{HAND_PICTURES}/half.png": picture()[:-20]})
    local = Workspace(tmp_path / "local")
    build(Share(root), local)
    fsspec.filesystem("memory").put(str(root), "/lookup-in-memory", recursive=True)
    with serving(root) as url:
        for place, share in (("ftp", Share(url)), ("memory", Share("memory://lookup-in-memory"))):
            workspace = Workspace(tmp_path / place)
            manifest = build(share, workspace)
            paths = load_lookup(workspace, TRAIN).paths
            assert paths.keys() == load_lookup(local, TRAIN).paths.keys()
            assert all(share.read(share.below_root(path)).startswith(b"\x89PNG") for path in paths.values())
            assert aside(workspace) == aside(local) == [("image_unreadable", f"{HAND_PICTURES}/half.png")]
            assert "secret" not in repr(paths)
            assert "secret" not in repr(manifest)


@pytest.mark.parametrize("with_label_of", [("가", "나"), ("나", "가")])
def test_a_page_whose_own_picture_is_missing_never_takes_another_folders(tmp_path, workspace, with_label_of):
    labels, pictures = f"{HANDWRITING}/1.Training/라벨링데이터", f"{HANDWRITING}/1.Training/원천데이터"
    has, has_not = with_label_of
    files = {f"{labels}/TL_{name}/0001.json": corner_label(f"{name}말") for name in ("가", "나")}
    share = Share(write_tree(tmp_path / "share", {**files, f"{pictures}/TS_{has}/0001.png": picture()}))
    manifest = build(share, workspace)
    assert (manifest.counts.pages_out, manifest.counts.reasons["page"]) == (1, {"image_missing": 1})
    assert manifest.counts.add_up
    find = load_lookup(workspace, TRAIN).finder()
    found = {page.words[0].text: find(page) for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN)}
    assert f"TS_{has}" in found[f"{has}말"]
    assert found[f"{has_not}말"].reason == "image_missing"


def test_a_page_that_stands_twice_under_one_label_and_picture_is_kept_once(tmp_path, workspace):
    tree = hand_tree(2)
    write_tree(tmp_path / "share", tree)
    write_tree(tmp_path / "share", tree, form="NFD")
    share = Share(tmp_path / "share")
    manifest = build(share, workspace)
    assert manifest.counts.pages_out == 2
    assert manifest.counts.reasons["page"] == {"duplicate_label": 2, "label_missing": 2}
    find = load_lookup(workspace, TRAIN).finder()
    found = [find(page) for page in read_pages(workspace.merged_json(TRAIN.key), TRAIN)]
    assert sum(isinstance(each, str) for each in found) == 2
    crops = build_annotations(share, TRAIN, workspace, AnnotationSettings("lmdb"))
    assert [(each.counts.pages_in, each.counts.pages_out) for each in crops] == [(4, 2)]
