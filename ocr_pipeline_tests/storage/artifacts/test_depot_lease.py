"""One maker at a time among machines that share only an object store: real processes, one of them killed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import fsspec
import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts import depot_lease as leases
from ocr_pipeline.storage.artifacts.lease import lease
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.storage.source.s3_server import s3_bucket

HOLD = """
import sys, time
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts import depot_lease
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace
depot_lease.BEAT_EVERY = 0.1
with lease(lease_path(Workspace.at(sys.argv[1]), "lookup", "p"), "the first"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
print("given back", flush=True)
"""


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket("leases") as url:
        yield url


@pytest.fixture
def here(bucket, tmp_path, monkeypatch):
    """The workspace of this machine, and how another machine holds its lease for some seconds."""
    monkeypatch.setattr(leases, "ASK_EVERY", 0.05)
    monkeypatch.setattr(leases, "BEAT_EVERY", 0.1)
    monkeypatch.setattr(leases, "LOST_AFTER", 1.5)
    url = f"{bucket}/{tmp_path.name}"

    def hold_elsewhere(seconds: float) -> subprocess.Popen:
        with monkeypatch.context() as environment:
            environment.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "elsewhere"))
            command = [sys.executable, "-c", HOLD, url, str(seconds)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "held\n"
        return process

    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "here"))
    yield Workspace.at(url).root / ".leases" / "lookup.p.lock", hold_elsewhere
    assert not fsspec.filesystem("s3").find(f"{url}/.leases"), "no lease stays behind"


@pytest.mark.slow
def test_the_second_waits_as_long_as_the_first_lives(here, caplog):
    path, hold_elsewhere = here
    caplog.set_level(logging.INFO, "ocr_pipeline")
    process = hold_elsewhere(4)
    with lease(path, "the second"):
        assert process.stdout.readline() == "given back\n", "it had its heartbeat, longer than a dead one has"
    assert "is being made by the first" in caplog.text
    assert process.wait(30) == 0


def test_a_killed_machine_loses_its_lease(here, caplog):
    path, hold_elsewhere = here
    process = hold_elsewhere(600)
    process.kill()
    process.wait()
    asked = time.monotonic()
    with lease(path, "the second"):
        assert time.monotonic() - asked >= leases.LOST_AFTER
    assert "shows no sign of life" in caplog.text


def test_of_many_that_wait_for_a_dead_one_never_two_have_it(here, tmp_path):
    path, hold_elsewhere = here
    process = hold_elsewhere(600)
    process.kill()
    process.wait()
    depot = leases.Depot((path.parent.parent / ".depot").read_text().strip(), path.parent.parent)
    having, most, served = 0, 0, []
    counting = threading.Lock()

    def take(number: int) -> None:
        nonlocal having, most
        with leases.depot_lease(depot, path, f"waiter {number}"):
            with counting:
                having += 1
                most = max(most, having)
            time.sleep(0.1)
            with counting:
                having -= 1
                served.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most, sorted(served)) == (1, [0, 1, 2, 3])


def test_a_bucket_that_is_not_there_is_named(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("OCR_PIPELINE_MIRROR", str(tmp_path / "mirror"))
    path = Workspace.at("s3://nowhere/data").root / ".leases" / "lookup.p.lock"
    with pytest.raises(PipelineError, match="no such bucket"), lease(path, "me"):
        pass
