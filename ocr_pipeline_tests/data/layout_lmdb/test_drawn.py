from __future__ import annotations

from pathlib import Path

import pytest

from ocr_pipeline.data.layout_lmdb import DrawnLayouts, LayoutReader, draw_layouts
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.errors import PipelineError

FACES = package_faces()


def samples(path: Path) -> list[tuple[bytes, object]]:
    reader = LayoutReader(path)
    return [reader.read(number) for number in range(len(reader))]


def test_the_number_of_workers_changes_nothing_and_splits_differ(tmp_path: Path):
    alone = draw_layouts(tmp_path / "alone", "train", 6, FACES, DrawnLayouts(side=256))
    together = draw_layouts(tmp_path / "together", "train", 6, FACES, DrawnLayouts(side=256), workers=2)
    valid = draw_layouts(tmp_path / "alone", "valid", 6, FACES, DrawnLayouts(side=256))
    assert alone.name == "synthetic_train_layout.lmdb"
    assert samples(alone) == samples(together)
    assert not {picture for picture, _ in samples(alone)} & {picture for picture, _ in samples(valid)}


def test_the_lmdb_says_what_it_was_drawn_with_and_words_lie_within_the_picture(tmp_path: Path):
    path = draw_layouts(tmp_path, "valid", 5, FACES, DrawnLayouts(seed=4, side=256))
    meta = LayoutReader(path).meta
    assert (meta["seed"], meta["side"]) == (4, 256)
    assert [face["licence"] for face in meta["faces"]] == ["OFL-1.1", "OFL-1.1"]
    assert all(face["fingerprint"] for face in meta["faces"])
    records = [record for _, record in samples(path)]
    assert any(record.words for record in records)
    for record in records:
        for word in record.words:
            assert all(0 <= x <= record.width and 0 <= y <= record.height for x, y in word.quad)


@pytest.mark.parametrize(("pages", "faces", "side"), [(0, FACES, 512), (3, (), 512), (3, FACES, 64)])
def test_what_cannot_be_drawn_is_said_before_anything_is_written(tmp_path: Path, pages, faces, side):
    with pytest.raises(PipelineError):
        draw_layouts(tmp_path, "train", pages, faces, DrawnLayouts(side=side))
    assert not list(tmp_path.iterdir())
