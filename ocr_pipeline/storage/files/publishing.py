"""Atomic publishing: an artifact appears whole under its name, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.errors import PipelineError

_CUT_SHORT = r"inline_container|PytorchStreamWriter"
_DISGUISED = re.compile(rf"os error \d+|{_CUT_SHORT}|No space left")
"""How torch and safetensors tell of an OSError while they write; torch knows only that less arrived than it wrote."""
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
"""How another disk, or a file system without hard links (SMB, object stores), refuses one."""


@contextlib.contextmanager
def publish_file(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; on success sync it and rename it into place.

    Raises:
        PipelineError: the folder cannot be written to, or the disk is full.
    """
    with mendable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _draft_of(target) as draft:
            yield draft
            _sync(draft)
            take_place(draft, target)


@contextlib.contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` to fill; on success sync it and put it in the place of ``target``."""
    with mendable(target), _draft_of(target) as draft:
        draft.mkdir(parents=True)
        yield draft
        for file in draft.rglob("*"):
            _open_as(draft, file)
            _sync(file)
        take_place(draft, target)


def place_of(target: Path) -> Path:
    """Where an artifact really lies: its owner may have moved it to another disk and left a link.

    A link that somebody else made is not followed: it is replaced, and what it leads to stays as it is.

    Raises:
        PipelineError: the link leads nowhere.
    """
    if not target.is_symlink() or target.lstat().st_uid != os.geteuid():
        return target
    place = Path(os.path.realpath(target))
    if not place.parent.is_dir():
        raise PipelineError(
            f"the artifact is a link to {place}, and there is no such folder",
            where=target,
            remedy="Mount the disk that it leads to, or remove the link.",
        )
    return place


def take_place(made: Path, target: Path) -> None:
    """Put a finished file or folder, whose content is synced, in the place of another on the same disk.

    A folder cannot be replaced in one step: between the two renames the old one stands under a hidden
    ``.<name>.old``, never a half-written one under its name.
    """
    if made.is_dir():
        old = target.with_name(f".{target.name}.old")
        _remove(old)
        if os.path.lexists(target):
            target.replace(old)
        made.replace(target)
        _remove(old)
    else:
        made.replace(target)
        made.unlink(missing_ok=True)  # POSIX leaves it where both are links to one file
    _sync(target.parent)


def link_or_copy(source: Path, target: Path) -> bool:
    """Let a file stand in a second place, at no cost where the disk can; nobody may write to either of them after it.

    Whatever is published here is a new file that takes the place of the old one, so what has two places never changes.

    Returns:
        whether it is linked.
    """
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, target)
        return False
    return True


def publish_text(target: Path, text: str) -> None:
    """Publish a small UTF-8 text file."""
    with publish_file(target) as draft:
        draft.write_text(text, encoding="utf-8")


def is_nameable(target: Path) -> bool:
    """Whether the file system has room for the name of a file, and for the longer one of its draft."""
    folder = next(folder for folder in target.parents if folder.is_dir())
    return len(os.fsencode(_draft(target).name)) <= os.pathconf(folder, "PC_NAME_MAX")


def _draft(target: Path) -> Path:
    return target.with_name(f".{target.name}.draft")


@contextlib.contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """A path that is free; what stands there when the work fails is cleared, as a full disk needs the room."""
    draft = _draft(target)
    _remove(draft)
    try:
        yield draft
    except BaseException:
        _remove(draft)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _open_as(folder: Path, file: Path) -> None:
    """Let whoever may look into a new folder read what is in it: safetensors writes for its owner alone."""
    found, wanted = file.stat(), folder.stat().st_mode & 0o666
    if found.st_uid == os.geteuid() and found.st_mode & wanted != wanted:
        file.chmod(stat.S_IMODE(found.st_mode) | wanted)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def mendable(target: Path) -> Iterator[None]:
    """What keeps ``target`` from being written, whoever tells of it, as an error that a user can mend.

    Raises:
        PipelineError: the folder cannot be written to, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.filename and not _is_output(Path(str(error.filename)), target):
            raise  # an input that cannot be read is the caller's to explain
        in_the_way = [f"{folder} is a file" for folder in target.parents if folder.is_file()]
        raise PipelineError(
            f"cannot write the artifact ({', '.join(in_the_way) or error.strerror or error})",
            where=target,
            remedy="Name a writable place, or move that file away."
            if in_the_way
            else "Check that the folder exists, is writable and has free space, then run the same command again.",
        ) from error
    except Exception as error:
        if isinstance(error, PipelineError) or not _DISGUISED.search(str(error)):
            raise
        told = (
            "the disk took less than was written" if re.search(_CUT_SHORT, str(error)) else str(error).splitlines()[0]
        )
        raise PipelineError(
            f"cannot write the artifact ({told})",
            where=target,
            remedy="Check that the disk has free space and the folder is writable, then run the same command again.",
        ) from error


def _is_output(path: Path, target: Path) -> bool:
    """Whether a path is the artifact, its draft, something in them, or a folder above."""
    return target.is_relative_to(path) or path.is_relative_to(target) or path.is_relative_to(_draft(target))
