"""Locks that users share, and file systems that have none."""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocr_pipeline.devices.locks import open_lock, take
from ocr_pipeline.devices.machine import Demand, Machine
from ocr_pipeline.devices.queue import LeaseQueue
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.lease import is_held, lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import Workspace

GROUP = 4000
MACHINE = Machine(("0",), 4, 8.0)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become several users")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_user(user: int, act: Callable[[], object]) -> int:
    """Do something in another process, as a user of the group with the usual umask; 0 if that went well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(GROUP)
            os.setuid(user)
            os.umask(0o022)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


@needs_root
@pytest.mark.parametrize("mode", [0o2775, 0o2777, 0o1777])
def test_users_who_share_a_folder_share_its_leases(outside: Path, mode: int) -> None:
    root = outside / "shared"
    root.mkdir()
    os.chown(root, 0, GROUP)
    root.chmod(mode)

    def work() -> None:
        place = LeaseQueue(root / "leases", MACHINE, patience=1).enter(Demand(gpus=1), "me")
        assert place.wait(0.01) == ("0",)
        path = lease_path(Workspace(root), "lookup", "handwriting_train")
        with lease(path, "me"):
            assert is_held(path)

    assert [as_user(user, work) for user in (4001, 4002, 4001)] == [0, 0, 0]
    assert stat.S_IMODE((root / "leases").stat().st_mode) == mode


@needs_root
def test_who_may_not_write_is_told(outside: Path) -> None:
    def work() -> None:
        with pytest.raises(PipelineError, match=r"no lock can be taken \(Permission denied\).*for all users"):
            open_lock(outside / "a.lock")

    assert as_user(4001, work) == 0


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    path = tmp_path / "a.lock"
    with pytest.raises(PipelineError, match=r"no locks \(No locks available\).*a\.lock.*local disk"):
        take(open_lock(path), path)
    with pytest.raises(PipelineError, match="no locks"), lease(path, "me"):
        pass
