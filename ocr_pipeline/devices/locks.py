"""Files to hold a kernel lock on: the lock goes with the process that holds it, however it dies.

A lock file is open to whoever may write to its folder, whatever the umask of the one who came first: users who share a
folder share its locks.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path

from ocr_pipeline.errors import PipelineError


def open_lock(path: Path) -> int:
    """A small file to hold a lock on, to read and to write at its end; made if it is not there, never through a link.

    Raises:
        PipelineError: it cannot be opened; or a link stands there, and what that leads to might be anybody's.
    """
    try:
        make_open_folder(path.parent)
        return _opened(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PipelineError(
                "a link stands where a lock belongs", where=path, remedy="Remove the link, then run it again."
            ) from error
        raise PipelineError(
            f"no lock can be taken ({error.strerror})",
            where=path,
            remedy="Check that its folder is writable, for all users who share it.",
        ) from error


def take(lock: int, path: Path, *, waits: bool = False) -> bool:
    """Take the lock of an open file; whether that succeeded, or once it did.

    Args:
        path: where it lies, for people.

    Raises:
        PipelineError: the file system has no locks.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        raise PipelineError(
            f"this file system has no locks ({error.strerror})",
            where=path,
            remedy="Let the folder lie on a local disk, or on a share that has them (NFS with its lock service, SMB "
            "without the option nobrl).",
        ) from error
    return True


def make_open_folder(folder: Path) -> None:
    """Make a folder that is open to the same users as the one it stands in."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _open_like(folder, folder.parent, 0o7777)


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
    try:
        return os.open(path, flags)  # to ask for a new one is forbidden where others' stand in a sticky folder
    except FileNotFoundError:
        lock = os.open(path, flags | os.O_CREAT, 0o666)
        _open_like(path, path.parent, 0o666)
        return lock


def _open_like(path: Path, folder: Path, bits: int) -> None:
    with contextlib.suppress(PermissionError):  # another user made it at the same moment, and does this as well
        path.chmod((stat.S_IMODE(path.stat().st_mode) & 0o700) | (stat.S_IMODE(folder.stat().st_mode) & bits))
