"""User names and passwords of a share: they stay in its URL or in fsspec's configuration, and out of every text."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

_SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)
HIDDEN = "***"


def without_user(text: str) -> str:
    """A URL, or a text with URLs, without what stands before the last ``@`` of the host (a password may hold one)."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


def secrets_of(url: str, options: dict[str, Any]) -> list[str]:
    """The password of a URL as it is written and as it is meant, and what the options of a file system keep secret.

    Args:
        options: as fsspec's configuration has them, nested or not.
    """
    user = re.search(r"://[^/:]*:([^/]*)@", url)
    written = [user[1], unquote(user[1])] if user else []
    return sorted({*written, *_secret_values(options)} - {""}, key=len, reverse=True)


def _secret_values(options: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for name, value in options.items():
        if isinstance(value, dict):
            found |= _secret_values(value)
        elif isinstance(value, str) and _SECRET.search(name):
            found.add(value)
    return found
