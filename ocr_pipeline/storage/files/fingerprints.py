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


def fingerprint_file(path: Path) -> str:
    """Fingerprint of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()[:24]
