"""Listing and reading over one FTP connection.

fsspec shows an FTP folder that it failed to list as empty, and a file that it failed to read as missing; here each
failure is an error of its own, so that a retry can tell a dropped connection from a file that is not there. Nothing
optional of the protocol is taken for granted: MLSD (RFC 3659) or the listings of Unix and Windows, facts that are
missing or in upper case, names in UTF-8 or cp949, and sizes, which are held against what comes.
"""

from __future__ import annotations

import ftplib
import stat
import time
from calendar import timegm
from collections.abc import Callable
from time import strptime
from typing import TYPE_CHECKING, TypeVar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source.listing import Contents
from ocr_pipeline.storage.source.names import decoded, spellings

if TYPE_CHECKING:
    from ftputil.stat import StatResult

_BLOCK = 1 << 16
_BYTES = "latin-1"
"""The encoding in which a connection speaks: one letter a byte, since a server does not say what its names are in."""

_SETTLED, _LEAST_SPEED = 30.0, 500
"""After so many seconds a transfer has so many bytes a second behind it, or is given up."""

_UNKNOWN_COMMAND = ("500", "501", "502", "504")

Answer = TypeVar("Answer")


def speak_bytes(ftp: ftplib.FTP) -> None:
    """Prepare a fresh connection for the functions of this module; paths and names are text outside of it."""
    ftp.encoding = _BYTES


def demand_folder(ftp: ftplib.FTP, path: str) -> None:
    """Raise a FileNotFoundError if there is no such folder."""
    _spelled(ftp.cwd, path)
    ftp.cwd("/")


def list_folder(ftp: ftplib.FTP, path: str) -> Contents:
    """What the folder holds.

    Raises:
        FileNotFoundError: there is no such folder.
        PipelineError: the server's listing is of no known form.
    """
    try:
        return _spelled(lambda spelled: _list_by_facts(ftp, spelled), path)
    except ftplib.error_perm as error:
        if not str(error).startswith(_UNKNOWN_COMMAND):
            raise
    return _spelled(lambda spelled: _list_by_lines(ftp, spelled), path)


def read_range(ftp: ftplib.FTP, path: str, start: int, size: int | None) -> bytes:
    """``size`` bytes from ``start`` on, or all that follow.

    Raises:
        FileNotFoundError: there is no such file.
        ConnectionError: the server gave less than the file holds, or hardly anything for long.
    """
    return _spelled(lambda spelled: _read(ftp, spelled, start, size), path)


def is_alive(ftp: ftplib.FTP) -> bool:
    """Whether the server still answers on this connection."""
    try:
        ftp.voidcmd("NOOP")
    except ftplib.all_errors:
        return False
    return True


def _spelled(ask: Callable[[str], Answer], path: str) -> Answer:
    """The answer for a path as the server may spell it: all in UTF-8, all in cp949, or only the name in cp949."""
    folder, slash, name = path.rpartition("/")
    ways = [spellings(path)[0], spellings(path)[-1], spellings(folder + slash)[0] + spellings(name)[-1]]
    for way in dict.fromkeys(ways):
        try:
            return ask(way.decode(_BYTES))
        except ftplib.error_perm as error:
            if not str(error).startswith("550"):
                raise
    raise FileNotFoundError(path)


def _list_by_facts(ftp: ftplib.FTP, path: str) -> Contents:
    found = Contents()
    for line in _whole_lines(ftp, f"MLSD {path}"):
        told, _, name = line.partition(" ")
        pairs = (fact.partition("=") for fact in told.split(";"))
        facts = {key.lower(): value for key, _, value in pairs}
        kind = facts.get("type", "").lower()
        if kind not in ("cdir", "pdir"):
            _add(ftp, path, found, name, kind, facts.get("size", ""), _seconds(facts.get("modify", "")))
    return found


def _whole_lines(ftp: ftplib.FTP, command: str) -> list[str]:
    """What comes upon a command; a listing that was cut off seldom ends where a line does."""
    ftp.voidcmd("TYPE A")
    with ftp.transfercmd(command) as connection:
        data = b"".join(iter(lambda: connection.recv(_BLOCK), b""))
    ftp.voidresp()
    if data and not data.endswith(b"\n"):
        raise ConnectionError("the listing of a folder ends within a line")
    return [line.rstrip("\r") for line in data.decode(_BYTES).split("\n")[:-1]]


def _list_by_lines(ftp: ftplib.FTP, path: str) -> Contents:
    lines: list[str] = []
    ftp.dir(path, lines.append)
    found = Contents()
    for line in lines:
        if line.strip() and not line.startswith("total "):
            entry = _parsed(line, path)
            kind = {stat.S_IFDIR: "dir", stat.S_IFREG: "file"}.get(stat.S_IFMT(entry.st_mode), "a link or device")
            if entry._st_name not in (".", ".."):
                _add(ftp, path, found, entry._st_name, kind, str(entry.st_size), entry.st_mtime or 0.0)
    return found


def _parsed_or_none(line: str) -> StatResult | None:
    from ftputil.error import ParserError
    from ftputil.stat import MSParser, UnixParser

    for parser in (UnixParser(), MSParser()):
        try:
            return parser.parse_line(line.rstrip())
        except (ParserError, ValueError):
            continue
    return None


def _parsed(line: str, path: str) -> StatResult:
    entry = _parsed_or_none(line)
    if entry is not None:
        return entry
    raise PipelineError(
        "the FTP server's listing is of no known form",
        where=f"{path}: {decoded(line.encode(_BYTES, 'replace'))!r:.100}",
        remedy="Switch MLSD (RFC 3659) or a Unix listing on at the server, or mount the share and give its folder.",
    )


def _add(ftp: ftplib.FTP, path: str, found: Contents, name: str, kind: str, size: str, version: float) -> None:
    text = decoded(name.encode(_BYTES))
    if kind == "dir":
        found.folders.append(text)
    elif kind == "file":
        found.add(text, int(size) if size.isdecimal() else _size(ftp, f"{path}/{name}") or 0, version)
    else:
        found.faults[text] = f"the server calls it {kind or 'neither file nor folder'}"
        found.add(text, 0, 0.0)


def _read(ftp: ftplib.FTP, path: str, start: int, size: int | None) -> bytes:
    ftp.voidcmd("TYPE I")
    parts: list[bytes] = []
    left, began, came = size, time.monotonic(), 0
    with ftp.transfercmd(f"RETR {path}", rest=start or None) as connection:
        while left != 0 and (block := connection.recv(_BLOCK if left is None else min(_BLOCK, left))):
            parts.append(block)
            came += len(block)
            _demand_speed(came, time.monotonic() - began)
            left = None if left is None else left - len(block)
    _end_transfer(ftp, early=left == 0)
    if came != size:
        _demand_rest(ftp, path, start, size, came)
    return b"".join(parts)


def _demand_rest(ftp: ftplib.FTP, path: str, start: int, size: int | None, came: int) -> None:
    """A server that says that all is sent may have sent a part: what it says of the file's size tells."""
    whole = _size(ftp, path)
    if whole is None:
        return
    expected = max(0, whole - start)
    expected = expected if size is None else min(size, expected)
    if came != expected:
        raise ConnectionError(f"{came} bytes came of {expected}")


def _demand_speed(came: int, seconds: float) -> None:
    """A server that drips never runs into the time-out of one read."""
    if seconds > _SETTLED and came < _LEAST_SPEED * seconds:
        raise ConnectionError(f"{came} bytes came in {seconds:.0f} s")


def _size(ftp: ftplib.FTP, path: str) -> int | None:
    """What the server says of the size of a file, by its listing where it knows no SIZE (RFC 3659); None: nothing."""
    try:
        ftp.voidcmd("TYPE I")
        return ftp.size(path)
    except ftplib.error_perm as error:
        if not str(error).startswith(_UNKNOWN_COMMAND):
            raise
    lines: list[str] = []
    ftp.dir(path, lines.append)
    listed = [entry for entry in map(_parsed_or_none, lines) if entry and stat.S_ISREG(entry.st_mode)]
    return listed[0].st_size if len(listed) == 1 else None


def _end_transfer(ftp: ftplib.FTP, early: bool) -> None:
    try:
        ftp.voidresp()
    except (ftplib.error_temp, ftplib.error_perm):
        if not early:  # having hung up before the end of the file, we are told just that
            raise


def _seconds(stamp: str) -> float:
    """Seconds of a time such as ``20261128222000.123``; 0 of one that is none."""
    try:
        return float(timegm(strptime(stamp[:14], "%Y%m%d%H%M%S")))
    except ValueError:
        return 0.0
