"""Which pages an artifact holds, and from which label file each of them comes: a small parquet beside it.

That of a data artifact names its own pages, that of a checkpoint all pages of all data that it learnt from, copied
in: the data goes on and is overwritten, and what was learnt stays known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

_TRACES = "traces.jsonl"
ENDING = ("lineage", "parquet")


class Trace(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One page that an artifact holds, or learnt from.

    Attributes:
        label, image, dataset, split: as in `Page`.
        words: how many of its words the artifact holds.
        corrections: what people said of the page and was applied to it: `Correction`, as JSON.
        artifact, version, role: the data artifact that a checkpoint found it in; empty in the lineage of that artifact.
    """

    label: str
    image: str
    dataset: str
    split: str
    words: int = 0
    corrections: tuple[str, ...] = ()
    artifact: str = ""
    version: str = ""
    role: str = ""


class LearntFrom(msgspec.Struct, frozen=True):
    """One data artifact that a checkpoint learnt from, or was measured on, as it was then.

    Attributes:
        artifact: its name; version: its fingerprint; role: as in `Input`.
        made: when it was published, in ISO 8601, UTC.
        code_version: of its stage.
        inputs: what it was made from: name -> fingerprint.
        traced: whether its pages are known; an artifact of before there were lineages tells of none.
    """

    artifact: str
    version: str
    role: str
    made: str
    code_version: str
    inputs: dict[str, str]
    traced: bool


def lineage_path(artifact: Path) -> Path:
    return artifact.with_name(".".join((artifact.name, *ENDING)))


def write_traces(shard: Path, traces: Iterable[Trace]) -> None:
    """Leave in the folder of a shard which pages it holds."""
    (shard / _TRACES).write_bytes(msgspec.json.Encoder().encode_lines(traces))


def traces_in(shard: Path) -> Iterator[Trace]:
    """The pages that a finished shard holds."""
    decoder = msgspec.json.Decoder(Trace)
    with (shard / _TRACES).open("rb") as lines:
        yield from map(decoder.decode, lines)


def has_traces(shard: Path) -> bool:
    """Whether a shard tells of its pages: one of before there were lineages does not."""
    return (shard / _TRACES).is_file()
