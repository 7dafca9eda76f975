"""Fingerprints of content: equal ones mean equal content, wherever and whenever they were taken."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint_of(parts: Iterable[bytes | str]) -> str:
    """A short stable fingerprint of a sequence of parts (order counts, boundaries count)."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:24]


def fingerprint_files(paths: Iterable[Path], artifact: Path) -> dict[str, str]:
    """Fingerprints of files, and of all files in folders, by what their paths have beyond that of the artifact.

    The artifact itself is called by nothing, a file in it ``/data.mdb``, one beside it ``.quarantine.parquet``.
    """
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()}
    return {str(file).removeprefix(str(artifact)): fingerprint_file(file) for file in sorted(files)}


def file_sizes(names: Iterable[str], artifact: Path) -> dict[str, int]:
    """How many bytes each file of an artifact has, by the same names; -1 where it is not there."""
    files = {name: Path(f"{artifact}{name}") for name in names}
    return {name: file.stat().st_size if file.is_file() else -1 for name, file in files.items()}


def fingerprint_file(path: Path) -> str:
    """Fingerprint of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()[:24]


def has_sum(path: str, size: int, crc: int) -> bool:
    """Whether a file is there, of this size and CRC-32."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (small files: every call counts)
            return zlib.crc32(file.read(size + 1)) == crc
    except FileNotFoundError:
        return False
