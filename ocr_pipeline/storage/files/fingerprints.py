"""Fingerprints of content: equal ones mean equal content, wherever and whenever they were taken."""

from __future__ import annotations

import hashlib
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


def fingerprint_file(path: Path) -> str:
    """Fingerprint of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()[:24]
