import io
from functools import partial

import msgspec
import pytest
from PIL import Image

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings, NoLayout
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.manifest import Input, manifest_path, quarantine_path, read_manifest
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, Share, page, picture, publish, rectangle

INPUTS = [Input("handwriting_train_merged.json", "abc")]


def build(target, pages, share, engine=None, settings=None, inputs=INPUTS, **more):
    settings = settings or LayoutSettings(batch_size=3)
    engines = Engines(engine or NoLayout())
    return publish(target, pages, share, engines, settings, inputs=inputs, **more)


@pytest.fixture
def share() -> Share:
    return Share({f"{number}.jpg": picture(seed=number) for number in range(10)})


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out" / "handwriting_train_layout.lmdb"


def test_every_page_becomes_a_sample_in_order(target, share):
    seen = []
    settings = LayoutSettings(batch_size=3, max_pages=10)
    report = lambda *at: seen.append(at)  # noqa: E731
    manifest = build(target, map(page, range(10)), share, settings=settings, on_progress=report)
    reader = LayoutReader(target)
    samples = [reader.read(index) for index in range(len(reader))]
    assert [record.image for _, record in samples] == [f"{number}.jpg" for number in range(10)]
    assert all(image == share.pictures[record.image] for image, record in samples)
    assert samples[3][1].words[0].text == "낱말0" and samples[3][1].regions == ()
    assert samples[3][1].label == "labels/3.json"
    assert seen == [(done, 10) for done in (*range(1, 11), 10)]
    assert read_manifest(target) == manifest
    assert manifest.counts.add_up and manifest.counts.pages_out == manifest.counts.words_out == 10
    assert list(read_quarantine(quarantine_path(target))) == []
    assert reader.meta["engine"] == "none"


def test_what_cannot_be_used_is_set_aside_and_counted(target, share):
    share.pictures["1.jpg"] = share.pictures["1.jpg"][:-40]
    share.pictures["2.jpg"] = b"<html>404</html>"
    del share.pictures["3.jpg"]
    outside, line, over_the_edge = rectangle(130, 5, 150, 9), rectangle(5, 5, 5, 30), rectangle(100, 70, 130, 90)
    pages = [
        page(0, [rectangle(1, 1, 9, 9), outside, line, over_the_edge]),
        page(1),
        page(2),
        page(3),
        page(4, [outside]),
        page(5, [], width=999),
    ]
    counts = build(target, pages, share, settings=LayoutSettings(batch_size=3, other_size="ignore")).counts
    assert counts.add_up and (counts.pages_in, counts.pages_out, counts.words_in, counts.words_out) == (6, 2, 8, 2)
    assert counts.reasons["page"] == {"image_unreadable": 2, "image_missing": 1, "no_words_left": 1}
    assert counts.reasons["word"] == {
        "word_outside": 2,
        "word_zero_area": 1,
        "image_unreadable": 2,
        "image_missing": 1,
    }
    assert counts.notes == {"words_clipped": 1, "size_differs": 1}
    records = list(read_quarantine(quarantine_path(target)))
    assert len(records) == 7
    truncated = next(record for record in records if record.image == "1.jpg")
    assert "truncated" in truncated.detail and truncated.words == 1
    lost = next(record for record in records if record.reason == "word_zero_area")
    assert (lost.image, lost.word) == ("0.jpg", 2) and msgspec.json.decode(lost.raw)["text"] == "낱말2"
    first, second = (LayoutReader(target).read(index)[1] for index in range(2))
    assert [word.id for word in first.words] == [0, 3]
    assert first.words[1].quad == rectangle(100, 70, 120, 80)
    assert (second.width, second.height, second.words) == (120, 80, ())


def test_regions_hold_their_words_in_reading_order(target, share):
    words = [
        rectangle(40, 12, 60, 20),
        rectangle(10, 11, 35, 19),
        rectangle(10, 30, 35, 38),
        rectangle(80, 60, 90, 70),
    ]
    oracle = Oracle(
        ("text", 0.9, (5, 5, 70, 45)),
        ("text", 0.45, (75, 55, 95, 75)),
        ("table", 0.35, (78, 58, 95, 75)),
        ("text", 0.8, (75, 5, 115, 25)),
        ("image", 0.9, (5, 50, 30, 75)),
    )
    build(target, [page(0, words)], share, oracle)
    record = LayoutReader(target).read(0)[1]
    assert [word.region for word in record.words] == [0, 0, 0, 2]
    assert record.regions[0].words == (1, 0, 2) and record.regions[0].text == "낱말1 낱말0\n낱말2"
    assert [region.words for region in record.regions[1:]] == [(), (3,), (), ()]
    assert [region.order for region in record.regions] == [0, 1, 2, 3, 4]
    assert record.ignore_boxes() == [(75, 5, 115, 25)]


def test_the_same_inputs_give_the_same_bytes_whatever_the_batch(tmp_path, share):
    oracle = Oracle(("text", 0.9, (5, 5, 70, 45)))
    sizes = {name: LayoutSettings(batch_size=size) for name, size in {"a": 3, "b": 3, "c": 8}.items()}
    manifests = [build(tmp_path / name, map(page, range(12)), share, oracle, sizes[name]) for name in sizes]
    assert manifests[0] == manifests[1] == manifests[2]
    assert len({(tmp_path / name / "data.mdb").read_bytes() for name in sizes}) == 1


def test_nothing_changed_means_nothing_done(target, share):
    first = build(target, map(page, range(3)), share)
    before, reads = (target / "data.mdb").stat().st_mtime_ns, share.reads
    assert build(target, map(page, range(3)), share) == first
    assert share.reads == reads and (target / "data.mdb").stat().st_mtime_ns == before


def test_a_rebuild_makes_it_again_of_what_was_found_before(target, share):
    class Once(Oracle):
        asked = 0

        def infer(self, pixels, sizes):
            self.asked += len(sizes)
            return super().infer(pixels, sizes)

    engine = Once(("text", 0.9, (5, 5, 70, 45)))
    first = build(target, map(page, range(3)), share, engine)
    before, inode = (target / "data.mdb").read_bytes(), (target / "data.mdb").stat().st_ino
    assert build(target, map(page, range(3)), share, engine, renewal=Renewal(rebuild=True)) == first
    assert (target / "data.mdb").read_bytes() == before and (target / "data.mdb").stat().st_ino != inode
    assert engine.asked == 3


@pytest.mark.parametrize(
    "change",
    [
        {"settings": LayoutSettings(table_threshold=0.2)},
        {"settings": LayoutSettings(max_pages=2), "renewal": Renewal(accept_loss=True)},
        {"engine": Oracle(fingerprint="2")},
    ],
)
def test_a_change_makes_it_again(target, share, change):
    build(target, map(page, range(3)), share, Oracle())
    reads = share.reads
    manifest = build(target, map(page, range(3)), share, **{"engine": Oracle(), **change})
    assert share.reads > reads and read_manifest(target) == manifest


def test_an_interruption_leaves_what_was_there(target, share):
    first = build(target, map(page, range(3)), share)
    before = (target / "data.mdb").read_bytes()

    def broken():
        yield page(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(target, broken(), share, inputs=[])
    assert (target / "data.mdb").read_bytes() == before and read_manifest(target) == first


def test_the_manifest_of_a_replaced_lmdb_is_gone_before_the_new_one_stands(target, share, monkeypatch):
    build(target, map(page, range(3)), share)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ocr_pipeline.storage.artifacts.publication.write_manifest", killed)
    with pytest.raises(KeyboardInterrupt):
        build(target, map(page, range(4)), share, inputs=[])
    assert target.exists() and not manifest_path(target).exists()


def test_a_picture_that_vanished_is_missing_but_a_broken_share_stops_the_run(target, share):
    def vanished(path):
        raise FileNotFoundError(2, "No such file", path)

    def unreachable(path):
        raise OSError(107, "Transport endpoint is not connected", path)

    share.read = vanished
    assert build(target, [page(0)], share).counts.reasons["page"] == {"image_missing": 1}
    share.read = unreachable
    with pytest.raises(PipelineError, match="share is mounted"):
        build(target, [page(0), page(1)], share, inputs=[])


# -- pictures that are not what their labels say ---------------------------------------------------------------------


def test_a_picture_of_another_size_is_set_aside_unless_its_words_are_to_be_scaled(target, share):
    share.pictures["0.jpg"] = picture(60, 40)
    counts = build(target, [page(0), page(1)], share).counts
    assert counts.add_up and counts.reasons["page"] == {"size_differs": 1}
    (record,) = read_quarantine(quarantine_path(target))
    assert "120x80" in record.detail and "60x40" in record.detail
    settings = LayoutSettings(batch_size=3, other_size="scale")
    counts = build(target, [page(0), page(1)], share, settings=settings).counts
    assert counts.add_up and counts.pages_out == 2 and counts.notes == {"size_scaled": 1}
    assert LayoutReader(target).read(0)[1].words[0].quad == rectangle(5, 5, 20, 10)


def test_words_that_count_the_turned_picture_lie_on_the_stored_one(target, share):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (80, 120)).save(buffer, "JPEG", exif=exif)
    share.pictures["0.jpg"] = buffer.getvalue()
    counts = build(target, [page(0)], share).counts
    assert counts.notes == {"exif_applied": 1}
    record = LayoutReader(target).read(0)[1]
    assert (record.width, record.height) == (80, 120)
    assert record.words[0].quad == ((10, 110), (10, 80), (20, 80), (20, 110))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_nobody_thought_of_costs_its_page(target, share, workers):
    del share.pictures["1.jpg"]
    share.find, share.state = lambda wanted: wanted.image, str.encode
    share.read = partial(_read_or_fail, share.pictures)
    counts = build(target, map(page, range(4)), share, workers=workers).counts
    assert counts.add_up and counts.pages_out == 3 and counts.reasons["page"] == {"unexpected": 1}
    (record,) = read_quarantine(quarantine_path(target))
    assert record.detail == "KeyError: '1.jpg'"


def _read_or_fail(pictures, path):
    return pictures[path]


def test_lack_of_memory_ends_the_step(target, share):
    def read(path):
        raise MemoryError

    share.read = read
    with pytest.raises(PipelineError, match="ran out of memory"):
        build(target, [page(0)], share)
