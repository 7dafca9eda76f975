"""Files behind an fsspec URL: every request has a time-out and a bounded number of retries with growing pauses."""

from __future__ import annotations

import asyncio
import ftplib
import importlib
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import fsspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source import ftp
from ocr_pipeline.storage.source.connections import Connections
from ocr_pipeline.storage.source.credentials import HIDDEN, secrets_of, without_user
from ocr_pipeline.storage.source.listing import Contents

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PAUSES = (0.25, 1.0, 4.0)
"""Seconds before each further attempt."""

_OWN_CONNECTION = {"skip_instance_cache": True}  # fsspec would hand out the broken one again

_OPTIONS: dict[str, dict[str, Any]] = {
    "ftp": {"timeout": 30},
    "sftp": {"timeout": 30, "banner_timeout": 30, **_OWN_CONNECTION},
    "smb": {"timeout": 30, **_OWN_CONNECTION},
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}}},
}

_EXTRAS = ("s3", "sftp", "smb")
"""Protocols whose drivers this project names as extras of the same name."""

_FAILURES = {
    "s3": ("botocore.exceptions.BotoCoreError", "aiohttp.ClientError"),
    "sftp": ("paramiko.SSHException",),
    "smb": ("smbprotocol.exceptions.SMBException", "builtins.ValueError"),  # the latter: no connection
}


_FEW = {"ftp": ", and give --workers 1 where the server admits one connection"}


class RemoteFiles:
    """Lists and reads below one URL; each request has a connection of its own.

    User name and password stay in the URL, the environment or fsspec's configuration: messages never show them.

    Raises:
        FileNotFoundError: the file is not there.
        PipelineError: the share does not answer, whatever the number of attempts, or its protocol has no driver here.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._protocol = url.partition("://")[0].rpartition("::")[2]
        self._connections = Connections(self._open, _close, (ftplib.error_temp, ftplib.error_perm))
        self._demand_driver()

    def check(self) -> None:
        """Raise a FileNotFoundError if there is no such folder."""
        self.ask(_demand_folder)

    def contents(self, path: str) -> Contents:
        """Folders and files with their states; always asked afresh."""
        return self.ask(lambda fs, base: _list(fs, f"{base}/{path}".rstrip("/")))

    def read(self, path: str, start: int = 0, size: int | None = None) -> bytes:
        """``size`` bytes from ``start`` on, or all that follow."""
        return self.ask(lambda fs, base: _read(fs, f"{base}/{path}", start, size))

    def ask(self, ask: Callable[[Any, str], Answer]) -> Answer:
        """The answer to one request, asked again a few times; it gets fsspec's file system and the root there."""
        for pause in (*PAUSES, None):
            try:
                with self._connections.one() as (fs, base):
                    return _answer(ask, fs, base)
            except FileNotFoundError:
                raise
            except (PermissionError, ftplib.error_perm) as error:
                raise self._no_answer(error) from None
            except self._failures() as error:
                last: BaseException = error
            if pause is not None:
                logger.info("%s: %s; asking again in %s s", without_user(self._url), self._shown(last), pause)
                time.sleep(pause)
        raise self._no_answer(last) from None  # its text may hold the URL with the password

    def _open(self) -> tuple[Any, str]:
        options = {**_OPTIONS.get(self._protocol, {}), **fsspec.config.conf.get(self._protocol, {})}
        opened = fsspec.core.url_to_fs(self._url, **options)
        if _is_ftp(opened[0]):
            ftp.speak_bytes(opened[0].ftp)
        return opened

    def _failures(self) -> tuple[type[BaseException], ...]:
        named = (_exception(name) for name in _FAILURES.get(self._protocol, ()))
        return (*ftplib.all_errors, asyncio.TimeoutError, *named)

    def _demand_driver(self) -> None:
        try:
            fsspec.get_filesystem_class(self._protocol)
        except (ImportError, ValueError) as error:
            named = self._protocol in _EXTRAS
            install = f"pip install 'ocr_pipeline[{self._protocol}]'" if named else "Install fsspec's driver for it"
            raise PipelineError(
                f"{self._protocol}:// cannot be read here ({error})",
                where=without_user(self._url),
                remedy=f"{install}, or mount the share and give its folder.",
            ) from error

    def _no_answer(self, error: BaseException) -> PipelineError:
        return PipelineError(
            f"the share does not answer ({self._shown(error)})",
            where=without_user(self._url),
            remedy=f"Check the connection and the permissions{_FEW.get(self._protocol, '')}; what is already published "
            "stays valid.",
        )

    def _shown(self, error: BaseException) -> str:
        text = without_user(str(error) or type(error).__name__)
        for secret in secrets_of(self._url, fsspec.config.conf.get(self._protocol, {})):
            text = text.replace(secret, HIDDEN)
        return text


def _close(opened: tuple[Any, str]) -> None:
    if _is_ftp(opened[0]):
        opened[0].ftp.close()


def _answer(ask: Callable[[Any, str], Answer], fs: Any, base: str) -> Answer:
    try:
        return ask(fs, base)
    except FileNotFoundError:
        if _is_ftp(fs) and not ftp.is_alive(fs.ftp):  # that is how a dropped connection looks, too
            raise ConnectionError("the connection was dropped") from None
        raise


def _exception(name: str) -> type[BaseException]:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _demand_folder(fs: Any, path: str) -> None:
    if _is_ftp(fs):
        ftp.demand_folder(fs.ftp, path or "/")
    elif not fs.isdir(path):
        raise FileNotFoundError(path)


def _list(fs: Any, path: str) -> Contents:
    fs.invalidate_cache()  # a share changes while a process lives
    path = path or "/"
    return ftp.list_folder(fs.ftp, path) if _is_ftp(fs) else _list_any(fs, path)


def _is_ftp(fs: Any) -> bool:
    return isinstance(getattr(fs, "ftp", None), ftplib.FTP)  # fsspec's SFTP driver has an ``ftp`` of another kind


def _list_any(fs: Any, path: str) -> Contents:
    found = Contents()
    for info in fs.ls(path, detail=True):
        real = info["name"].removesuffix("/")
        name = real.rpartition("/")[2] if real.strip("/") != path.strip("/") else ""
        if info["type"] == "directory":
            found.folders.append(name)  # empty for what an object store keeps below ``//``
        elif name:  # an object store may keep an empty object for the folder itself
            found.add(name, info.get("size") or 0, _seconds(info))
    return found


def _read(fs: Any, path: str, start: int, size: int | None) -> bytes:
    if _is_ftp(fs):
        return ftp.read_range(fs.ftp, path, start, size)
    return fs.cat_file(path, start=start or None, end=None if size is None else start + size)


def _seconds(info: dict[str, Any]) -> float:
    stamp = info.get("mtime") or info.get("LastModified") or 0.0
    return stamp.timestamp() if isinstance(stamp, datetime) else float(stamp)
