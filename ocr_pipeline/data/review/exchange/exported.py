"""What goes out with every suspect, so that what comes back can be matched: whatever program it went through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from ocr_pipeline.data.corrections import Action, Correction
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.data.review.suspects.suspect import Suspect
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

NAME = "suspects.json"
_WINDOW = 200
"""Suspects whose crops are in memory at once."""


class Exported(msgspec.Struct, frozen=True):
    """The suspects that were given to another program.

    Attributes:
        review: the name that all decisions on them will bear.
        folder: the name of the folder that they lie in.
    """

    partition: str
    review: str
    folder: str
    suspects: tuple[Suspect, ...]

    @classmethod
    def of(cls, partition: str, folder: Path, suspects: Sequence[Suspect]) -> Exported:
        """Of some suspects, in their order, that go to a folder."""
        review = fingerprint_of(map(msgspec.json.encode, suspects))[:12]
        return cls(partition, review, folder.name, tuple(suspects))

    def key(self, place: int) -> str:
        """What a suspect is called in the other program's files."""
        return f"{self.review}_{place:06d}"

    def find(self, key: str) -> Suspect | None:
        """The suspect that a file calls so."""
        review, _, place = key.rpartition("_")
        is_ours = review == self.review and place.isascii() and place.isdigit() and int(place) < len(self.suspects)
        return self.suspects[int(place)] if is_ours else None

    def write(self, folder: Path) -> None:
        """Keep it beside what the other program gets."""
        (folder / NAME).write_bytes(msgspec.json.encode(self))

    @classmethod
    def read(cls, folder: Path) -> Exported:
        """What `write` kept.

        Raises:
            PipelineError: it is not there, or damaged.
        """
        try:
            return msgspec.json.decode((folder / NAME).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PipelineError(
                f"the list of what was exported cannot be read ({error})",
                where=folder / NAME,
                remedy="Give the folder that `ocr-pipeline review export` made, with all that it put there.",
            ) from error


@dataclass(frozen=True)
class Decided:
    """What a person decided in another program.

    Attributes:
        action: None where nothing was decided.
    """

    action: Action | None
    after: str = ""
    who: str = ""
    note: str = ""

    def of(self, suspect: Suspect, review: str, when: datetime) -> Correction:
        """The correction of a suspect."""
        assert self.action, "nothing was decided"
        is_new = suspect.kind == "unlabelled" and self.action != "keep"
        return Correction(
            label=suspect.label,
            image=suspect.image,
            word=suspect.word,
            action="add" if is_new else self.action,
            before=suspect.text,
            after=self.after if self.action == "text" else "",
            before_quad=suspect.quad,
            after_quad=suspect.quad if is_new else None,
            why=suspect.kind,
            who=self.who,
            note=self.note,
            when=when,
            review=review,
        )


def with_crops(exported: Exported, pictures: Pictures) -> Iterator[tuple[str, Suspect, bytes]]:
    """Key, suspect and JPEG of each; a few at a time."""
    rest = iter(enumerate(exported.suspects))
    while window := list(islice(rest, _WINDOW)):
        crops = pictures.crops([suspect for _, suspect in window])
        yield from ((exported.key(place), each, crop) for (place, each), crop in zip(window, crops, strict=True))
