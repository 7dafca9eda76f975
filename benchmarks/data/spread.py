"""One partition worked off by a real Ray cluster of this machine, beside two processes of the command.

    python -m benchmarks.data.spread [PAGES] [WORKERS] [FOLDER] [STAGE ...]

Layouts without a model and word crops of made-up pages, in as many pieces as 20,000 pages would be. The cluster does
them twice: once undisturbed, and once with a worker killed in the midst of its work. All three must come to the same
bytes. Needs the extra `fleet-test`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data.pages import write_share
from benchmarks.measuring import Measured, kept_and_scratch, report
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.annotations import stage as annotation_stage
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts
from ocr_pipeline.data.layout_lmdb import build as layout_stage
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_files
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.orchestration.fleet.servers import RayHead, ray_head, submitted

if TYPE_CHECKING:  # ray is an extra of its own
    from ray.job_submission import JobSubmissionClient

PARTITION = source_partition("public_admin_train")
LOCAL = "two processes"
NO_HEAD = RayHead("", "")
STAGES = ("layout_lmdb", "annotations")
Way = Callable[[RayHead, Path, Path, str], None]

PATIENT = {**os.environ, "RAY_health_check_timeout_ms": "60000", "RAY_health_check_failure_threshold": "20"}
"""A machine that does much else answers late."""
PIECES = {"layout_lmdb": 40, "annotations": 80}
"""Of 20,000 pages."""


def main(pages: int = 2000, workers: int = 4, folder: str = "", *stages: str) -> None:
    """Measure, compare and report."""
    with kept_and_scratch(folder) as (kept, scratch):
        share = kept / f"share-{pages}"
        if not share.exists():
            write_share(share, pages, (20, 36))
        labelled = Workspace(scratch / "labelled")
        merge_labels(Share(str(share)), PARTITION, labelled)
        build_lookup(Share(str(share)), PARTITION, labelled)
        measured = {stage: dict[str, Measured]() for stage in stages or STAGES}
        ways: dict[str, Way] = {
            LOCAL: _alone,
            f"{workers} Ray workers": _as_job,
            f"{workers} Ray workers, one killed": _with_a_kill,
        }
        found = []
        for name, way in ways.items():
            output = scratch / "output"
            shutil.copytree(labelled.root, output)
            with nullcontext(NO_HEAD) if way is _alone else ray_head(cpus=workers, gpus=0, environment=PATIENT) as head:
                for stage, of_stage in measured.items():
                    began = time.monotonic()
                    way(head, share, output, stage)
                    of_stage[name] = Measured(time.monotonic() - began, 0.0, pages)
                    sys.stdout.write(f"{stage}, {name}: {of_stage[name].wall:.0f} s\n")
                    sys.stdout.flush()
            found.append(fingerprint_files([output], output))
            shutil.rmtree(output)
        assert found[0] == found[1] == found[2], "the bytes differ"
        for stage, rows in measured.items():
            bars = {name: (LOCAL, 0.8 * min(workers, os.cpu_count() or 1) / 2) for name in list(ways)[1:]}
            report(f"{stage} spread over a Ray cluster", rows, "pages", bars)


def work(share: Path, output: Path, stage: str, pages: int) -> None:
    """What a step does."""
    layout_stage.PART_PAGES, annotation_stage.SHARD_SIZE = (max(1, pages // count) for count in PIECES.values())
    workspace = Workspace(output)
    crew = leased_crew(workspace, 2)
    if stage == "annotations":
        build_annotations(Share(str(share)), PARTITION, workspace, AnnotationSettings("lmdb"), crew=crew)
    else:
        build_layouts(Share(str(share)), PARTITION, workspace, LayoutSettings(), crew=crew)


def _command(share: Path, output: Path, stage: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "benchmarks.data.spread",
        "work",
        str(share),
        str(output),
        stage,
        share.name.partition("-")[2],
    ]


def _alone(_: RayHead, share: Path, output: Path, stage: str) -> None:
    subprocess.run(_command(share, output, stage), check=True)


def _as_job(head: RayHead, share: Path, output: Path, stage: str) -> None:
    from ray.job_submission import JobSubmissionClient

    client = JobSubmissionClient(head.jobs)
    environment = {"env_vars": {"OCR_PIPELINE_CREW": "ray"}}
    entrypoint = " ".join(_command(share, output, stage))
    job = submitted(lambda: client.submit_job(entrypoint=entrypoint, runtime_env=environment, entrypoint_num_cpus=0))
    while not _is_over(client, job):
        time.sleep(0.2)
    assert client.get_job_status(job).value == "SUCCEEDED", client.get_job_logs(job)


def _is_over(client: JobSubmissionClient, job: str) -> bool:
    with contextlib.suppress(OSError):  # a busy head does not always answer
        return client.get_job_status(job).is_terminal()
    return False


def _with_a_kill(head: RayHead, share: Path, output: Path, stage: str) -> None:
    killed = threading.Event()
    killer = threading.Thread(target=_kill_one, args=(output, stage, killed), daemon=True)
    killer.start()
    _as_job(head, share, output, stage)
    assert killed.is_set(), "no worker was killed"


def _kill_one(output: Path, stage: str, killed: threading.Event) -> None:
    """Once a shard is finished, kill the first worker that is at another."""
    word = "layout" if stage == "layout_lmdb" else "annotations"
    while not any(output.glob(f".shards/*{word}*/*/counts.json")):
        time.sleep(0.1)
    while not killed.is_set():
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (entry / "cmdline").read_bytes().startswith(b"ray::_prepared"):
                    os.kill(int(entry.name), signal.SIGKILL)
                    killed.set()
                    break


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main(*map(int, sys.argv[1:3]), *sys.argv[3:])
