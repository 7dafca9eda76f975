"""A large layout LMDB is one in parts: made part by part, read as one, and touched only where pages come or go."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from ocr_pipeline.data.layout_lmdb import Engines, LayoutReader, LayoutSettings, NoLayout
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import Wanted, read_traces
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, read_manifest
from ocr_pipeline.storage.artifacts.state import differing_files
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.lmdb_parts import read_parts
from ocr_pipeline_tests.data.layout_lmdb.making import Oracle, page, picture, publish, rectangle
from ocr_pipeline_tests.data.layout_lmdb.test_feeding import Folder
from ocr_pipeline_tests.trees import contents

PAGES = 80
ORACLE = Oracle(("text", 0.9, (5, 5, 70, 45)))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 10)
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.FEW_PAGES", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("pictures")
    for number in range(PAGES + 1):
        (path / f"{number}.jpg").write_bytes(picture(seed=number)[: -40 if number == 50 else None])
    return Folder(path)


def made(target: Path, folder: Folder, pages: Iterable[int] = range(PAGES), engine: object = None, **more) -> Manifest:
    wanted = (page(number, [rectangle(10, 10, 40, 20)]) for number in pages)
    engines = Engines(engine or NoLayout())  # type: ignore[arg-type]
    return publish(target, wanted, folder, engines, LayoutSettings(batch_size=3), **more)


def samples(target: Path) -> list[tuple[bytes, str]]:
    reader = LayoutReader(target)
    return [(image, record.image) for image, record in map(reader.read, range(len(reader)))]


def test_parts_are_read_as_one_and_are_what_one_file_holds(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = made(tmp_path / "parts", folder)
    parts = read_parts(tmp_path / "parts")
    assert len(parts) > 4 and not (tmp_path / "parts/data.mdb").exists()
    assert manifest.counts.pages_out == sum(part.count for part in parts) == PAGES - 1
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 10_000)
    made(tmp_path / "whole", folder)
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {"data.mdb"}
    assert samples(tmp_path / "parts") == samples(tmp_path / "whole")
    assert LayoutReader(tmp_path / "parts").meta == LayoutReader(tmp_path / "whole").meta
    alone = LayoutReader(tmp_path / "parts" / parts[-1].name)
    assert alone.read(len(alone) - 1) == LayoutReader(tmp_path / "parts").read(PAGES - 2)
    traced = {trace.image for trace in read_traces(lineage_path(tmp_path / "parts"), Wanted())}
    assert traced == {name for _, name in samples(tmp_path / "parts")}


@pytest.mark.parametrize("engine", [NoLayout(), ORACLE])
def test_the_number_of_workers_makes_no_difference_to_any_byte(tmp_path: Path, folder: Folder, engine: object) -> None:
    manifests = [made(tmp_path / f"{count}", folder, engine=engine, workers=count) for count in (1, 2)]
    assert manifests[0] == manifests[1]
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_few_parts_stay_open(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "a", folder)
    monkeypatch.setattr("ocr_pipeline.storage.files.lmdb_parts._MOST_OPEN", 2)
    reader = LayoutReader(tmp_path / "a")
    there = [reader.read(index)[1].image for index in range(len(reader))]
    back = [reader.read(index)[1].image for index in reversed(range(len(reader)))]
    assert there == back[::-1] and len(set(there)) == PAGES - 1


def test_one_page_more_writes_two_parts_at_most_and_the_same_as_from_scratch(tmp_path: Path, folder: Folder) -> None:
    target = tmp_path / "a"
    made(target, folder)
    before = {path.stat().st_ino for path in target.glob("part-*/data.mdb")}
    more = [*range(33), PAGES, *range(33, PAGES)]
    made(target, folder, more, inputs=[Input("merged", "2")])
    written = [path for path in target.glob("part-*/data.mdb") if path.stat().st_ino not in before]
    assert 1 <= len(written) <= 2 < len(before)
    made(tmp_path / "scratch", folder, more)
    assert contents(target) == contents(tmp_path / "scratch")
    manifest = read_manifest(target)
    assert manifest and not differing_files(target, manifest)
    store = Workspace(tmp_path).shards(target)
    assert len(list(store.iterdir())) == len(read_parts(target))


def test_the_same_pages_of_other_inputs_leave_every_byte_alone(tmp_path: Path, folder: Folder) -> None:
    first = made(tmp_path / "a", folder)
    before = {path.stat().st_ino for path in (tmp_path / "a").rglob("*")}
    again = made(tmp_path / "a", folder, inputs=[Input("lookup", "grown")])
    assert {path.stat().st_ino for path in (tmp_path / "a").rglob("*")} == before
    assert again.inputs != first.inputs and again.fingerprint == first.fingerprint


def test_a_damaged_part_is_made_again(tmp_path: Path, folder: Folder) -> None:
    target = tmp_path / "a"
    made(target, folder)
    sound, last = contents(target), target / read_parts(target)[-1].name / "data.mdb"
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 0xFF
    last.write_bytes(data)  # in its shard too: they are one file
    made(target, folder, inputs=[Input("merged", "2")])
    assert contents(target) == sound


def test_an_error_costs_the_parts_under_way(tmp_path: Path, folder: Folder) -> None:
    class Reluctant(Folder):
        def read(self, path: str) -> bytes:
            if path.endswith("/60.jpg"):
                raise OSError(107, "Transport endpoint is not connected", path)
            return super().read(path)

    with pytest.raises(PipelineError, match="share is mounted"):
        made(tmp_path / "a", Reluctant(folder.path))
    assert not (tmp_path / "a").exists()
    kept = {path.name: path.stat().st_ino for path in Workspace(tmp_path).shards(tmp_path / "a").iterdir()}
    made(tmp_path / "a", folder)
    after = {path.name: path.stat().st_ino for path in Workspace(tmp_path).shards(tmp_path / "a").iterdir()}
    assert len(kept) >= 3 and kept.items() <= after.items()


def test_a_missing_part_is_told(tmp_path: Path, folder: Folder) -> None:
    made(tmp_path / "a", folder)
    shutil.rmtree(tmp_path / "a/part-00001")
    with pytest.raises(PipelineError, match="no LMDB here"):
        LayoutReader(tmp_path / "a")


def test_no_page_is_one_file(tmp_path: Path, folder: Folder) -> None:
    counts = made(tmp_path / "a", folder, ()).counts
    assert counts.pages_in == len(LayoutReader(tmp_path / "a")) == 0
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"data.mdb"}
