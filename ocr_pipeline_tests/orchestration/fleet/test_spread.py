"""One partition worked off by all of a real Ray cluster: the bytes of one process, whoever is lost meanwhile."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.layout_lmdb.making import random_model
from ocr_pipeline_tests.data.layout_lmdb.test_models_apart import one_thread, without_detections
from ocr_pipeline_tests.orchestration.conftest import until
from ocr_pipeline_tests.orchestration.fleet.servers import RayHead, lose, ray_head, ray_machine, submitted
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

pytestmark = pytest.mark.fleet

PAGES = 120
TRAIN = source_partition("handwriting_train")
MODEL = """
import sys
from pathlib import Path
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build, build_layouts
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

build.PART_PAGES = 4
workspace = Workspace(Path(sys.argv[2]))
settings = LayoutSettings(model=str(workspace.root.parent / "model"), device="cpu")
crew = leased_crew(workspace, 1, gpus=1)
print("of", crew.size, "with", crew.gpus, "GPU")
build_layouts(Share(sys.argv[1]), source_partition("handwriting_train"), workspace, settings, crew=crew)
"""
STEP = """
import sys
from pathlib import Path
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations, stage
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build, build_layouts
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

stage.SHARD_SIZE = build.PART_PAGES = 4
workspace = Workspace(Path(sys.argv[2]))
what = Share(sys.argv[1]), source_partition("handwriting_train"), workspace
crew = leased_crew(workspace, 1)
print("of", crew.size, type(crew).__name__)
build_annotations(*what, AnnotationSettings("lmdb"), crew=crew)
build_layouts(*what, LayoutSettings(), crew=crew)
"""


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    with ray_head(cpus=4, gpus=2) as started:  # nobody looks for these GPUs
        yield started


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(write_tree(tmp_path / "share", hand_tree(PAGES, folders=4)))


@pytest.fixture
def calm(share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What one process makes of the partition."""
    monkeypatch.setattr("ocr_pipeline.data.annotations.stage.SHARD_SIZE", 4)
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 4)
    workspace = labelled(share, Workspace(tmp_path / "out"))
    build_annotations(share, TRAIN, workspace, AnnotationSettings("lmdb"), crew=Processes(1))
    build_layouts(share, TRAIN, workspace, LayoutSettings())
    found = contents(workspace.root)
    workspace.root.rename(tmp_path / "calm")
    return found


def labelled(share: Share, workspace: Workspace) -> Workspace:
    merge_labels(share, TRAIN, workspace, workers=1)
    build_lookup(share, TRAIN, workspace)
    return workspace


def worked_off(head: RayHead, share: Share, workspace: Workspace, step: str = STEP) -> str:
    """Run the step as a Ray job, as the engine does; what it says."""
    from ray.job_submission import JobSubmissionClient

    client = JobSubmissionClient(head.jobs)
    script = workspace.root.with_suffix(".py")
    script.write_text(step)
    command = f"{sys.executable} {script} {share.root} {workspace.root}"
    environment = {"env_vars": {"OCR_PIPELINE_CREW": "ray"}}
    job = submitted(lambda: client.submit_job(entrypoint=command, runtime_env=environment, entrypoint_num_cpus=0))
    until(lambda: client.get_job_status(job).is_terminal(), seconds=300)
    log = client.get_job_logs(job)
    assert client.get_job_status(job).value == "SUCCEEDED", log
    return log


def worker_in(processes: Iterable[psutil.Process]) -> psutil.Process | None:
    """One of the processes that is at a piece."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if "".join(process.cmdline()).startswith("ray::_prepared"):
                return process
    return None


def in_the_midst(folder: Path, strike: Callable[[], bool]) -> threading.Thread:
    """Once a shard is finished, try to strike until it succeeds."""

    def wait() -> None:
        until(lambda: any(folder.glob(".shards/*/*/counts.json")), seconds=200)
        until(strike, seconds=60)

    striking = threading.Thread(target=wait, daemon=True)
    striking.start()
    return striking


def test_a_cluster_makes_the_bytes_of_one_process_though_a_worker_is_killed(
    head: RayHead, share: Share, calm: dict[str, bytes], tmp_path: Path
) -> None:
    workspace, killed = labelled(share, Workspace(tmp_path / "out")), list[int]()

    def kill_one() -> bool:
        if worker := worker_in(psutil.process_iter()):
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
                killed.append(worker.pid)
        return bool(killed)

    striking = in_the_midst(workspace.root, kill_one)
    log = worked_off(head, share, workspace)
    striking.join(60)
    assert len(killed) == 1 and "of 4 RayCrew" in log
    assert contents(workspace.root) == calm


def test_a_machine_that_is_lost_costs_no_more_than_the_pieces_it_was_at(
    head: RayHead, share: Share, calm: dict[str, bytes], tmp_path: Path
) -> None:
    workspace, lost = labelled(share, Workspace(tmp_path / "out")), list[int]()
    with ray_machine(head, tmp_path / "joined.log", cpus=2) as machine:

        def lose_it() -> bool:
            if worker := worker_in(machine.children(recursive=True)):
                lose(machine)
                lost.append(worker.pid)
            return bool(lost)

        striking = in_the_midst(workspace.root, lose_it)
        log = worked_off(head, share, workspace)
        striking.join(60)
    assert lost and "of 6 RayCrew" in log
    assert contents(workspace.root) == calm


def test_each_worker_looks_with_a_model_of_its_own(
    head: RayHead, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_pipeline.data.layout_lmdb.build.PART_PAGES", 4)
    settings = LayoutSettings(model=str(random_model(tmp_path / "model")), device="cpu")
    alone, workspace = (labelled(share, Workspace(tmp_path / name)) for name in ("alone", "out"))
    with one_thread():
        build_layouts(share, TRAIN, alone, settings)
    log = worked_off(head, share, workspace, MODEL)
    assert "of 2 with 1 GPU" in log
    assert without_detections(workspace) == without_detections(alone)
