"""What is drawn, as recipes, variables and flags say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ocr_pipeline.data.synthetic.crops import CropDrawing
from ocr_pipeline.data.synthetic.faces import Face, Kind
from ocr_pipeline.data.synthetic.pages.page import KINDS, SMALLEST_SIDE
from ocr_pipeline.data.synthetic.texts import read_corpus
from ocr_pipeline.settings import Setting, Settings, recorded
from ocr_pipeline.storage.artifacts.manifest import Input
from ocr_pipeline.storage.files.fingerprints import fingerprint_file


@dataclass(frozen=True)
class WordLooks(Settings):
    """What words look like, and what they say."""

    seed: Annotated[int, Setting("Another one, other words.", env="OCR_PIPELINE_SYNTHETIC_SEED", least=0)] = 0
    clean: Annotated[float, Setting("Share that stays crisp print on plain paper.", least=0, most=1)] = 0.25
    hands: Annotated[float, Setting("Share drawn in hands.", least=0, most=1)] = 0.34
    signs: Annotated[float, Setting("Share drawn in faces made for signs.", least=0, most=1)] = 0.16
    lines: Annotated[float, Setting("Share of lines of up to 40 characters with their spaces.", least=0, most=1)] = 0.0
    upright: Annotated[float, Setting("Share written from top to bottom.", least=0, most=1)] = 0.0
    corpus: Annotated[
        Path | None,
        Setting("A text file or hunspell dictionary with words of your own.", env="OCR_PIPELINE_SYNTHETIC_CORPUS"),
    ] = None

    def drawing(self, faces: tuple[Face, ...], seed: int) -> CropDrawing:
        """The words of this look."""
        corpus = read_corpus(self.corpus) if self.corpus else ()
        kinds: dict[Kind, float] = {"hand": self.hands, "sign": self.signs}
        return CropDrawing(faces, corpus, seed, self.clean, kinds, self.lines, self.upright)

    def recorded(self) -> dict[str, Any]:
        """What a manifest says of them; a corpus is among what was drawn from."""
        plain = ((name, list(value) if isinstance(value, tuple) else value) for name, value in recorded(self).items())
        return {name: value for name, value in plain if not isinstance(value, Path)}


def drawn_from(faces: Iterable[Face], corpus: Path | None) -> list[Input]:
    """What drawn pictures are made from: every face with its licence, and the words of one's own."""
    made_in = [Input(f"{face.name} ({face.licence})", face.fingerprint) for face in faces]
    return made_in + ([Input(corpus.name, fingerprint_file(corpus))] if corpus else [])


@dataclass(frozen=True)
class WordSetSettings(WordLooks):
    """The words of one LMDB."""

    words: Annotated[int, Setting("How many.", least=1)] = 10_000
    held_out: Annotated[bool, Setting("Draw in the faces that are held out for judging, and in no other.")] = False


@dataclass(frozen=True)
class SyntheticSettings(WordLooks):
    """The partitions synthetic_train and synthetic_valid."""

    pages: Annotated[int, Setting("Pages of the training data.", env="OCR_PIPELINE_SYNTHETIC_PAGES", least=0)] = 100
    valid_pages: Annotated[
        int, Setting("Pages of the validation data.", env="OCR_PIPELINE_SYNTHETIC_VALID_PAGES", least=0)
    ] = 20
    words: Annotated[
        int, Setting("Single words of the training data.", env="OCR_PIPELINE_SYNTHETIC_WORDS", least=0)
    ] = 2000
    valid_words: Annotated[
        int, Setting("Single words of the validation data.", env="OCR_PIPELINE_SYNTHETIC_VALID_WORDS", least=0)
    ] = 200
    side: Annotated[
        int, Setting("Shorter side of a page in pixels.", env="OCR_PIPELINE_SYNTHETIC_SIDE", least=SMALLEST_SIDE)
    ] = 512
    page_kinds: Annotated[
        tuple[str, ...],
        Setting(f"Kinds of pages: {', '.join(KINDS)}; none named: all.", env="OCR_PIPELINE_SYNTHETIC_PAGE_KINDS"),
    ] = ()
    faces: Annotated[
        tuple[str, ...],
        Setting(
            "Typefaces to draw in; none named: all of this machine that are not held out for judging.",
            env="OCR_PIPELINE_SYNTHETIC_FACES",
        ),
    ] = ()
