from dataclasses import dataclass
from pathlib import Path

import pytest

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings
from ocr_pipeline.data.layout_lmdb.cache import cache_path
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined
from ocr_pipeline.storage.artifacts.manifest import Input, quarantine_path
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, page, picture, publish, rectangle

PAGES = 70
REGIONS = (("text", 0.9, (5, 5, 70, 45)), ("table", 0.35, (75, 55, 95, 75)))


@dataclass(frozen=True)
class Folder:
    """Pictures in a folder; unlike a dictionary it is the same in every process."""

    path: Path

    def find(self, wanted):
        path = self.path / wanted.image
        if path.exists():
            return str(path)
        return Quarantined("page", "image_missing", wanted.dataset, wanted.split, wanted.label, wanted.image)

    def state(self, path: str) -> bytes:
        return b""

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()


class Counting(Oracle):
    """Counts what it was asked, and stops after so many pages."""

    def __init__(self, stop: int = 10**6) -> None:
        super().__init__(*REGIONS)
        self.asked, self.stop = 0, stop

    def infer(self, pixels, sizes):
        if self.asked + len(sizes) > self.stop:
            raise KeyboardInterrupt
        self.asked += len(sizes)
        return super().infer(pixels, sizes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    for number in range(PAGES):
        data = picture(seed=number)
        (path / f"{number}.jpg").write_bytes(data[:-40] if number == 50 else data)
    (path / "60.jpg").unlink()
    return Folder(path)


def build(target, folder, engine, **settings):
    workers = settings.pop("workers", 1)
    pages = (page(number, [rectangle(10, 10, 40, 20), rectangle(80, 60, 90, 70)]) for number in range(PAGES))
    chosen = LayoutSettings(**{"batch_size": 3, **settings})
    return publish(target, pages, folder, Engines(engine), chosen, inputs=[Input("merged", "1")], workers=workers)


def test_one_and_more_workers_give_the_same_bytes(tmp_path, folder):
    manifests = [build(tmp_path / name, folder, Counting(), workers=count) for name, count in (("a", 1), ("b", 2))]
    assert manifests[0] == manifests[1] and manifests[0].counts.add_up
    assert manifests[0].counts.pages_out == PAGES - 2
    assert (tmp_path / "a/data.mdb").read_bytes() == (tmp_path / "b/data.mdb").read_bytes()
    quarantines = [quarantine_path(tmp_path / name).read_bytes() for name in "ab"]
    assert quarantines[0] == quarantines[1] != b""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_asks_the_model_only_for_the_rest(tmp_path, folder, workers):
    whole, broken, rest = Counting(), Counting(stop=40), Counting()
    build(tmp_path / "whole", folder, whole)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "killed", folder, broken, workers=workers)
    assert not (tmp_path / "killed").exists()
    build(tmp_path / "killed", folder, rest, workers=workers)
    assert whole.asked == PAGES - 2 and 0 < rest.asked < PAGES - 2
    assert (tmp_path / "killed/data.mdb").read_bytes() == (tmp_path / "whole/data.mdb").read_bytes()


def test_other_thresholds_need_no_model_but_other_weights_do(tmp_path, folder):
    target, engine = tmp_path / "a", Counting()
    build(target, folder, engine)
    assert LayoutReader(target).read(0)[1].words[1].region == 1
    idle = Counting(stop=0)
    build(target, folder, idle, table_threshold=0.4)
    assert idle.asked == 0 and LayoutReader(target).read(0)[1].words[1].region is None
    other = Counting()
    other.fingerprint = "2"
    build(target, folder, other, table_threshold=0.4)
    assert other.asked == PAGES - 2


def test_a_damaged_cache_says_what_to_do(tmp_path, folder):
    cache_path(tmp_path / "a").write_bytes(b"no database at all" * 100)
    with pytest.raises(PipelineError, match="delete it"):
        build(tmp_path / "a", folder, Counting())
