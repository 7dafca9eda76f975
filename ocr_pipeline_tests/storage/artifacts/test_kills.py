"""A kill between any two steps of making an artifact, for each of its makers, on disk and in a depot.

What a kill leaves is what lies there at that moment. So each maker is watched: before every step that changes a name
on disk or an object in the depot, all that a manifest vouches for is compared with what it was made with. At the end a
process is truly killed at each of these moments.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path

import fsspec
import pytest

from ocr_pipeline.storage.artifacts.depot import Depot
from ocr_pipeline.storage.artifacts.manifest import manifest_path, read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.storage.artifacts.makers import MAKERS, Maker, World
from ocr_pipeline_tests.storage.source.s3_server import s3_bucket

Files = dict[str, bytes]


@contextmanager
def before_each_step(look: Callable[[], None]) -> Iterator[None]:
    def looking(change):
        def changed(*arguments, **options):
            look()
            return change(*arguments, **options)

        return changed

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (Depot, "write")):
            patch.setattr(owner, name, looking(getattr(owner, name)))
        yield


def vouched_for(artifact: Path) -> Files | None:
    """A manifest and all files that it speaks of, those that a JSONL names included; None without a manifest."""
    if not artifact.exists() or not manifest_path(artifact).exists():
        return None
    within = [path for path in artifact.rglob("*") if path.is_file()] if artifact.is_dir() else [artifact]
    beside = [path for path in artifact.parent.glob(f"{artifact.name}.*") if is_own(str(path), str(artifact))]
    named = []
    if artifact.suffix == ".jsonl":
        lines = map(json.loads, artifact.read_text().splitlines())
        named = [Path(line["image_info"][0]["image_url"]) for line in lines]
    return {os.path.relpath(path, artifact): path.read_bytes() for path in [*within, *beside, *named]}


def is_own(name: str, artifact: str) -> bool:
    """Whether a file belongs to an artifact, and not to the champion before it or to a half-replaced folder."""
    return not name.removeprefix(artifact).startswith((".previous", ".old"))


def vouched_for_in(folder: str, artifact: str) -> Files | None:
    """The same in an object store."""
    store = fsspec.filesystem("s3")
    store.invalidate_cache()
    keys = [key for key in store.find(folder) if key.startswith(artifact) and is_own(key, artifact)]
    if f"{artifact}.manifest.json" not in keys:
        return None
    return {key: store.cat_file(key) for key in keys}


def watch(maker: Maker, world: World, looks: dict[Path, Callable[[], Files | None]]) -> None:
    """Make versions 1 and 2, then 3 under observation: first 2 is found, whole, then nothing, then 3."""
    for version in (1, 2):
        maker.prepare(world, version)
        maker.make(world)
    maker.prepare(world, 3)
    seen: dict[Path, list[Files | None]] = {artifact: [look()] for artifact, look in looks.items()}
    with before_each_step(lambda: [seen[artifact].append(look()) for artifact, look in looks.items()]):
        maker.make(world)
    for artifact, look in looks.items():
        after = look()
        assert after is not None and read_manifest(artifact) is not None
        found = [state for state, _ in groupby([*seen[artifact], after])]
        assert found in ([seen[artifact][0], None, after], [None, after])


@pytest.mark.parametrize("name", MAKERS)
def test_at_no_moment_stands_a_manifest_beside_what_it_was_not_made_with(name, tmp_path, workspace):
    maker = MAKERS[name]
    looks = {artifact: lambda artifact=artifact: vouched_for(artifact) for artifact in maker.artifacts(workspace)}
    watch(maker, World(tmp_path / "outside", workspace), looks)


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket("kills") as url:
        yield url


@pytest.mark.kill
@pytest.mark.parametrize("name", [name for name, maker in MAKERS.items() if maker.in_depot])
def test_nor_in_a_depot(name, tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "mirror"))
    maker, folder = MAKERS[name], f"{bucket.removeprefix('s3://')}/{tmp_path.name}"
    workspace = Workspace.at(f"s3://{folder}")
    keys = {path: f"{folder}/{path.relative_to(workspace.root)}" for path in maker.artifacts(workspace)}
    looks = {path: lambda key=key: vouched_for_in(folder, key) for path, key in keys.items()}
    watch(maker, World(tmp_path / "outside", workspace), looks)


@pytest.mark.kill
def test_a_process_killed_before_each_step_leaves_nothing_wrong_and_the_next_run_mends_it(tmp_path):
    maker, calm = MAKERS["dlora_champion"], tmp_path / "calm"
    for version in (1, 2):
        maker.prepare(world_in(calm), version)
        maker.make(world_in(calm))
    maker.prepare(world_in(calm), 3)
    before = published_in(calm, maker)
    folders, status = [], signal.SIGKILL.value
    while status == signal.SIGKILL:
        folders.append(shutil.copytree(calm, tmp_path / str(len(folders))))
        status = killed_before(len(folders) - 1, partial(maker.make, world_in(folders[-1])))
    assert status == 0 and len(folders) > 10
    after = published_in(folders[-1], maker)
    for folder in folders:
        assert all(
            found in (None, *versions)
            for found, *versions in zip(published_in(folder, maker), before, after, strict=True)
        )
        maker.make(world_in(folder))
        assert read_manifest(world_in(folder).workspace.dlora_champion).metrics == {"cer": 0.3}


def world_in(folder: Path) -> World:
    return World(folder / "outside", Workspace(folder / "output"))


def published_in(folder: Path, maker: Maker) -> list[Files | None]:
    return [vouched_for(artifact) for artifact in maker.artifacts(world_in(folder).workspace)]


def killed_before(step: int, make: Callable[[], object]) -> int:
    """Fork a process and kill it before its nth step; its exit status, 0 if it had fewer."""
    child = os.fork()
    if child == 0:
        steps = iter(range(step + 1))
        with before_each_step(lambda: next(steps, None) == step and os.kill(os.getpid(), signal.SIGKILL)):
            make()
        os._exit(0)
    return os.waitpid(child, 0)[1]
