"""What a label calls its picture, whatever it says besides."""

from __future__ import annotations

import re
from typing import Any

from ocr_pipeline.data.datasets.dataset import LabelError
from ocr_pipeline.page import PICTURE_ENDINGS, is_unicode, nfc


def picture_name(stem: str, kind: Any) -> str:
    """File name of a picture of the kind that a label tells: ``jpg``, ``.JPG``, ``image/jpeg``; else the stem alone.

    A label that is called after the whole name, ``a.jpg.json``, has it already.

    >>> picture_name("0001", "image/png"), picture_name("0001", None), picture_name("a.JPG", "jpg")
    ('0001.png', '0001', 'a.JPG')
    """
    ending = "." + str(kind or "").strip().lower().rpartition("/")[2].removeprefix(".")
    return stem if ending not in PICTURE_ENDINGS or stem.lower().endswith(ending) else stem + ending


def base_name(path: str) -> str:
    """File name in NFC of a path that a label gives, be it with slashes or backslashes.

    Raises:
        LabelError: no file can be called so.
    """
    name = nfc(path.replace("\\", "/").rpartition("/")[2].strip())
    if not is_unicode(name) or re.search(r"[\0\r\n]", name):
        raise LabelError(f"no picture can be called {name!r:.100}: half a character, a zero or a line end")
    return name
