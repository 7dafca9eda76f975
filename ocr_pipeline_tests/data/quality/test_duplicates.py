from __future__ import annotations

import pytest

from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.quality.page_index import name_without_copy_mark
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.quality.making import TRAIN, VALID, admin_page, measure, publish
from ocr_pipeline_tests.trees import WILD, WILD_LABEL, picture, wild_image, wild_label, wild_word, write_tree

SAME = picture(".jpg", seed=7)


class CountingShare(Share):
    """Remembers which files were read whole, and how many tails."""

    def __init__(self, root):
        super().__init__(root)
        self.whole, self.tails = [], 0

    def read(self, path):
        self.whole.append(path.rpartition("/")[2])
        return super().read(path)

    def read_tail(self, entry, size):
        self.tails += 1
        return super().read_tail(entry, size)


def examples(alike):
    return [(group.by, [(page.split, page.image) for page in group.pages]) for group in alike.examples]


def test_pictures_of_equal_content_are_found(tmp_path, workspace):
    root = write_tree(
        tmp_path,
        {
            **admin_page("train", "a", image=SAME),
            **admin_page("train", "b"),
            **admin_page("train", "c", image=SAME),
            **admin_page("train", "d", image=SAME),
        },
    )
    found = measure(publish(root, workspace, TRAIN), workspace).comparison
    assert examples(found.duplicates) == [("content", [("train", "a.jpg"), ("train", "c.jpg"), ("train", "d.jpg")])]
    assert (found.compared, found.duplicates.groups, found.duplicates.pages, found.not_compared) == (4, 1, 3, 0)
    assert found.leaks.groups == 0


def test_a_page_of_the_training_data_in_the_validation_data_is_a_leak_seen_from_both_sides(tmp_path, workspace):
    root = write_tree(
        tmp_path,
        {
            **admin_page("train", "a", image=SAME),
            **admin_page("train", "same-name"),
            **admin_page("train", "c"),
            **admin_page("valid", "x", image=SAME),
            **admin_page("valid", "SAME-NAME"),
            **admin_page("valid", "y"),
        },
    )
    share = publish(root, workspace, TRAIN, VALID)
    for partition in (TRAIN, VALID):
        leaks = measure(share, workspace, partition).comparison.leaks
        assert (leaks.groups, leaks.pages) == (2, 4)
        assert examples(leaks) == [
            ("content", [("train", "a.jpg"), ("valid", "x.jpg")]),
            ("name", [("train", "same-name.jpg"), ("valid", "SAME-NAME.jpg")]),
        ]


def test_training_data_in_two_partitions_is_a_duplicate_and_no_leak(tmp_path, workspace):
    partly = source_partition("public_admin_train_partly")
    files = admin_page("train", "a", image=SAME)
    files |= {
        path.replace("]train/", "]train_partly_labling/").replace("]train1/", "]train_partly_labeling_01/"): content
        for path, content in admin_page("train", "b", image=SAME).items()
    }
    share = publish(write_tree(tmp_path, files), workspace, TRAIN, partly)
    found = measure(share, workspace, partly).comparison
    assert (found.compared, found.duplicates.pages, found.leaks.groups) == (1, 2, 0)


def test_a_leak_within_the_set_that_is_split_here_is_found(tmp_path, workspace):
    names = [f"{number:032X}.jpg" for number in range(40)]
    pictures = {f"{WILD}/book/{name}": picture(".jpg", seed=place) for place, name in enumerate(names)}
    images = [wild_image(str(place), name) for place, name in enumerate(names)]
    words = [wild_word(str(place), "책", [2, 2, 20, 10]) for place in range(len(names))]
    wild, root = source_partition("text_in_wild"), tmp_path / "share"
    write_tree(root, {WILD_LABEL: wild_label(images, words), **pictures})
    quality = measure(publish(root, workspace, wild), workspace, wild)
    assert min(quality.pages.values()) >= 1 and quality.comparison.leaks.groups == 0
    write_tree(root, dict.fromkeys(pictures, SAME))
    quality = measure(publish(root, workspace, wild), workspace, wild)
    assert quality.comparison.leaks.groups == 1


def test_equal_size_and_equal_tail_are_not_enough(tmp_path, workspace):
    one = picture(".png", seed=1)
    other = one[:60] + bytes([one[60] ^ 1]) + one[61:]
    padding = bytes(8000)
    root = write_tree(
        tmp_path,
        {
            **admin_page("train", "a", image=one + padding),
            **admin_page("train", "b", image=other + padding),
            **admin_page("train", "c", image=one + padding),
        },
    )
    found = measure(publish(root, workspace, TRAIN), workspace).comparison
    assert examples(found.duplicates) == [("content", [("train", "a.jpg"), ("train", "c.jpg")])]


def test_only_pictures_that_may_be_equal_are_read(tmp_path, workspace):
    pages = {"a": SAME, "b": SAME, "size": SAME[:-3] + b"\0\0\0", "other": SAME + b"\0"}
    files = {}
    for stem, image in pages.items():
        files |= admin_page("train", stem, image=image)
    share = CountingShare(write_tree(tmp_path, files))
    publish(share, workspace, TRAIN)
    share.whole.clear()
    share.tails = 0
    measure(share, workspace)
    assert share.tails == 3
    compared = share.whole[:2]
    assert sorted(compared) == ["a.jpg", "b.jpg"]


def test_what_there_was_no_time_for_is_counted(tmp_path, workspace):
    root = write_tree(tmp_path, {**admin_page("train", "a", image=SAME), **admin_page("train", "b", image=SAME)})
    found = measure(publish(root, workspace, TRAIN), workspace, seconds=0.0).comparison
    assert (found.not_compared, found.duplicates.groups) == (2, 0)
    found = measure(Share(root), workspace, seconds=60.0).comparison
    assert (found.not_compared, found.duplicates.groups) == (0, 1)


def test_a_picture_that_vanished_counts_as_not_compared(tmp_path, workspace):
    root = write_tree(tmp_path, {**admin_page("train", "a", image=SAME), **admin_page("train", "b", image=SAME)})
    share = publish(root, workspace, TRAIN)
    (tmp_path / next(path for path in admin_page("train", "b") if path.endswith(".jpg"))).unlink()
    found = measure(share, workspace).comparison
    assert (found.duplicates.groups, found.compared) == (0, 2)


@pytest.mark.parametrize("name", ["scan", "SCAN", "scan (2)", "scan_copy", "scan - 복사본", "scan-copy 2", "Scan(1)"])
def test_copy_marks_do_not_make_another_name(name):
    assert name_without_copy_mark(name) == "scan"


@pytest.mark.parametrize("name", ["scan_2", "scan2", "5350178-1999-0001-0344", "photocopy room"])
def test_numbers_belong_to_the_name(name):
    assert name_without_copy_mark(name) == name


def test_near_names_are_shown_together(tmp_path, workspace):
    root = write_tree(
        tmp_path, {**admin_page("train", "a"), **admin_page("train", "a (2)"), **admin_page("train", "b")}
    )
    found = measure(publish(root, workspace, TRAIN), workspace).comparison
    assert examples(found.near_names) == [("name", [("train", "a (2).jpg"), ("train", "a.jpg")])]
    assert found.duplicates.groups == 0
