"""Names from outside are data, never paths: what a listing calls a file or folder is admitted or refused by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ocr_pipeline.page import nfc

_NO_PART_OF_A_PATH = re.compile(r"[/\0\r\n]")
_UNREAD_BYTES = re.compile("[\udc80-\udcff]")


def decoded(name: bytes) -> str:
    """A file name: UTF-8, or cp949 as Korean Windows writes it; bytes that are neither stay as lone surrogates.

    >>> decoded("표지.jpg".encode("cp949"))
    '표지.jpg'
    """
    for encoding in ("utf-8", "cp949"):
        try:
            return name.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name.decode("utf-8", "surrogateescape")


def spellings(name: str) -> tuple[bytes, ...]:
    """The bytes that `decoded` may have read as this name, most likely ones first."""
    in_utf8 = name.encode("utf-8", "surrogateescape")
    try:
        in_cp949 = name.encode("cp949")
    except UnicodeEncodeError:
        return (in_utf8,)
    return (in_utf8,) if in_cp949 == in_utf8 else (in_utf8, in_cp949)


def shown(name: str) -> str:
    """A name as it may stand in a record or a log: line ends, zeros and unread bytes are written as escapes."""
    return re.sub(r"[\0-\x1f\x7f\udc80-\udfff]", lambda found: rf"\x{ord(found[0]) & 0xFF:02x}", name)


def refusals(folders: Sequence[str], files: Sequence[str]) -> dict[str, str]:
    """Why some of the names in one folder cannot be taken; names that are fine are not in it.

    Two files whose names become one in NFC are both refused: none is taken in the other's place. Of folders both are
    walked, as macOS leaves them where a set was copied twice.
    """
    if _all_plain(folders) and _all_plain(files) and len(set(nfc("\n".join(files)).split("\n"))) >= len(files):
        return {}
    twins = Counter(map(nfc, files))
    whys = {name: _refusal(name) or (_TWIN if twins[nfc(name)] > 1 else "") for name in (*folders, *files)}
    return {name: why for name, why in whys.items() if why}


_TWIN = "another file here has the same name (its letters may be composed otherwise, or it is listed twice)"


def _all_plain(names: Sequence[str]) -> bool:
    """Whether none is to be refused, told by one look at a million names."""
    together = "\n".join(names)
    odd = re.search(r"[/\0\r]|[\udc80-\udcff]|(?:\A|\n)\.{0,2}(?:\n|\Z)", together) if names else None
    return odd is None and together.count("\n") == max(0, len(names) - 1)


def _refusal(name: str) -> str:
    if name in ("", ".", ".."):
        return f"{name!r} is no name of a file"
    if _NO_PART_OF_A_PATH.search(name):
        return "its name holds a slash, a zero or a line end"
    if _UNREAD_BYTES.search(name):
        return "its name is neither UTF-8 nor cp949"
    return ""
