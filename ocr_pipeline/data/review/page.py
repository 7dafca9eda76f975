"""One HTML file in which a person looks at suspects and says what is right: no server, no network.

Suspects come in blocks of JSON that are parsed when they are looked at, so that a page opens as fast with 100,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
from markupsafe import Markup

from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.data.review.sitting import FORMAT
from ocr_pipeline.data.review.suspects.suspect import KINDS, Suspect
from ocr_pipeline.html import templates
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.publishing import publish_file

BLOCK = 250
"""Suspects that are decoded at once."""
_TEMPLATES = Path(__file__).with_name("templates")


def write_page(path: Path, partition: str, suspects: Sequence[Suspect], readers: list[str], pictures: Pictures) -> None:
    """Write the page of some suspects, in their order.

    Args:
        readers: their names, in the order of the readings.
        pictures: gives the views of the words.

    Raises:
        PipelineError: it cannot be written.
    """
    template = templates(_TEMPLATES).get_template("page.html")
    style, script = (Markup((_TEMPLATES / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    head, blocks = _script(_head(partition, suspects, readers)), _blocks(suspects, pictures)
    parts = template.generate(partition=partition, style=style, script=script, head=head, blocks=blocks)
    with publish_file(path) as draft, draft.open("w", encoding="utf-8") as file:
        file.writelines(parts)


def _head(partition: str, suspects: Sequence[Suspect], readers: list[str]) -> dict[str, object]:
    """What the page has to know before it shows the first suspect."""
    met = {suspect.kind for suspect in suspects}
    names = [kind for kind in KINDS if kind in met]
    return {
        "format": FORMAT,
        "partition": partition,
        "list": fingerprint_of(map(msgspec.json.encode, suspects))[:12],
        "count": len(suspects),
        "block": BLOCK,
        "readers": readers,
        "kinds": KINDS,
        "names": names,
        "kindOf": [names.index(suspect.kind) for suspect in suspects],
    }


def _blocks(suspects: Iterable[Suspect], pictures: Pictures) -> Iterator[Markup]:
    rest = iter(suspects)
    while block := list(islice(rest, BLOCK)):
        yield _script([_row(each, view) for each, view in zip(block, pictures.views(block), strict=True)])


def _row(suspect: Suspect, view: bytes) -> dict[str, object]:
    return {
        "label": suspect.label,
        "image": suspect.image,
        "word": suspect.word,
        "text": suspect.text,
        "quad": suspect.quad,
        "kind": suspect.kind,
        "reading": suspect.reading,
        "readings": suspect.readings,
        "error_rate": suspect.error_rate,
        "crop": view,
    }


def _script(content: object) -> Markup:
    """JSON that may stand in a script element: nothing in it ends that."""
    return Markup(msgspec.json.encode(content).decode().replace("<", "\\u003c"))
