"""Listing and reading over one FTP connection.

fsspec shows an FTP folder that it failed to list as empty, and a file that it failed to read as missing; here each
failure is an error of its own, so that a retry can tell a dropped connection from a file that is not there.
"""

from __future__ import annotations

import ftplib
from calendar import timegm
from time import strptime

from ocr_pipeline.storage.source.listing import Contents

_BLOCK = 1 << 16


def list_folder(ftp: ftplib.FTP, path: str) -> Contents | None:
    """What the folder holds; None where the server knows no MLSD (RFC 3659).

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found = Contents()
    try:
        for name, facts in ftp.mlsd(path):
            kind = facts["type"]
            if kind == "dir":
                found.folders.append(name)
            elif kind == "file":
                found.add(name, int(facts["size"]), _seconds(facts.get("modify", "")))
            elif kind not in ("cdir", "pdir"):
                found.faults[name] = f"the server calls it {kind}"
                found.add(name, 0, 0.0)
    except ftplib.error_perm as error:
        if str(error)[:3] in ("500", "502"):
            return None
        raise _missing(error, path) from error
    return found


def read_range(ftp: ftplib.FTP, path: str, start: int, size: int | None) -> bytes:
    """``size`` bytes from ``start`` on, or all that follow.

    Raises:
        FileNotFoundError: there is no such file.
    """
    parts: list[bytes] = []
    left = size
    try:
        ftp.voidcmd("TYPE I")
        with ftp.transfercmd(f"RETR {path}", rest=start or None) as connection:
            while left != 0 and (block := connection.recv(_BLOCK if left is None else min(_BLOCK, left))):
                parts.append(block)
                left = None if left is None else left - len(block)
    except ftplib.error_perm as error:
        raise _missing(error, path) from error
    data = b"".join(parts)
    _end_transfer(ftp, early=left == 0)
    return data


def is_alive(ftp: ftplib.FTP) -> bool:
    """Whether the server still answers on this connection."""
    try:
        ftp.voidcmd("NOOP")
    except ftplib.all_errors:
        return False
    return True


def _end_transfer(ftp: ftplib.FTP, early: bool) -> None:
    try:
        ftp.voidresp()
    except (ftplib.error_temp, ftplib.error_perm):
        if not early:  # having hung up before the end of the file, we are told just that
            raise


def _missing(error: ftplib.error_perm, path: str) -> Exception:
    return FileNotFoundError(path) if str(error).startswith("550") else error


def _seconds(stamp: str) -> float:
    return float(timegm(strptime(stamp[:14], "%Y%m%d%H%M%S"))) if stamp else 0.0
