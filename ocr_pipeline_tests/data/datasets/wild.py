"""All of a Text in the wild document at once, for tests."""

from __future__ import annotations

from ocr_pipeline.data.datasets import Parsed
from ocr_pipeline.data.datasets.text_in_wild import read_text_in_wild


def read_wild(data: bytes, piece: int = 1 << 20) -> Parsed:
    """Everything that `read_text_in_wild` gives for a document that comes in pieces of the given size."""

    def pieces():
        return (data[start : start + piece] for start in range(0, len(data), piece))

    whole = Parsed()
    for parsed in read_text_in_wild(pieces, "x.json"):
        whole.pages += parsed.pages
        whole.quarantined += parsed.quarantined
        whole.counts = whole.counts + parsed.counts
    return whole
