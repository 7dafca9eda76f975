"""The Korean typefaces of this machine: what each can draw, what kind it is, whose it is, and which ones only judge.

A character map proves nothing: a quarter of the Korean fonts that Debian carries map thousands of syllables to empty
outlines. So a letter counts as drawn in a face only where it leaves ink of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import pylopdf_fonts_ko
from PIL import ImageFont

from ocr_pipeline.storage.files.fingerprints import fingerprint_file
from ocr_pipeline.storage.files.typed_paths import demand_folder

Kind = Literal["print", "hand", "sign"]

FOLDER_VARIABLE = "OCR_PIPELINE_FONTS"
ENDINGS = (".ttf", ".otf", ".ttc", ".woff", ".woff2")

HELD_OUT = frozenset(
    {
        *("Baekmuk Gulim", "UnShinmun", "UnGraphic", "UnGraphic Bold", "UnTaza"),
        *("Nanum Brush Script", "UnPenheulim", "Eunjin", "Eunjin Nakseo", "UnVada"),
        *("BM JUA_TTF", "BM KIRANGHAERANG", "Bandal"),
    }
)
"""Faces that nothing is ever trained on, hands and signs among them: they are there to judge by."""

_HANDS = (
    *("Nanum Pen", "Nanum Brush", "NanumBarunpen", "UnPen", "UnPilgi", "UnGungseo", "UnVada", "UnJamoSora"),
    *("Bangwool", "Eunjin", "Gaegu", "Hi Melody", "Gamja Flower", "Dokdo", "East Sea Dokdo", "Single Day"),
    *("Poor Story", "Cute Font", "Yeon Sung", "BM YEONSUNG"),
)
_SIGNS = ("BM ", "Bandal", "Guseul", "UnDinaru", "Baekmuk Headline", "NanumSquareRound", "Black Han Sans", "Do Hyeon")
_TWINS = frozenset({"Noto Sans CJK KR", "Noto Serif CJK KR", "Noto Sans Mono CJK KR", "Noto Sans Mono CJK KR Bold"})
_MISDRAWN = {"UnDinaru": "긕끡", "Baekmuk Batang": "쩨쪠"}  # two syllables that share one outline
_LICENCES = {
    "/nanum/": "OFL-1.1",
    "/woowa-bm/": "OFL-1.1",
    "/noto/": "OFL-1.1",
    "/pylopdf_fonts_ko/": "OFL-1.1",
    "/unfonts-core/": "GPL-2",
    "/unfonts-extra/": "GPL-2",
    "/baekmuk/": "Baekmuk (MIT-like)",
    "/alee/": "Artistic-1.0",
    "/@fontsource/": "OFL-1.1",
}
_NO_LETTER = "\uffff"  # no font maps it: it shows the mark for what a font lacks
_SMALL = 12  # pixels per em at which ink is looked for


@dataclass(frozen=True)
class Face:
    """One typeface.

    Attributes:
        name: family and style, ``Regular`` left out; what a face is known by.
        path, index: the file, and which of its faces.
    """

    name: str
    path: Path
    index: int = 0

    @property
    def kind(self) -> Kind:
        """print where the name does not say that it is a hand or made for signs."""
        if self.name.startswith(_HANDS):
            return "hand"
        return "sign" if self.name.startswith(_SIGNS) else "print"

    @property
    def held_out(self) -> bool:
        return self.name in HELD_OUT

    @property
    def licence(self) -> str:
        """Of the packages that are known here; a font of your own is yours to know."""
        place = self.path.as_posix()
        return next((licence for folder, licence in _LICENCES.items() if folder in place), "not known")

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_file(self.path)

    def draws(self, text: str) -> bool:
        """Whether every letter of ``text`` leaves ink in this face; a space needs none."""
        return all(letter == " " or self._draws(letter) for letter in text)

    def sized(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at ``size`` pixels per em, in the basic layout, which is the same wherever Pillow is."""
        return _sized(str(self.path), self.index, size)

    def _draws(self, letter: str) -> bool:
        known = self._known
        if letter not in known:
            known[letter] = _leaves_ink(self.sized(_SMALL), letter)
        return known[letter]

    @cached_property
    def _known(self) -> dict[str, bool]:
        """What has been looked at so far: a look costs 20 microseconds, and a face may hold 20,000 letters."""
        return {
            letter: False for name, letters in _MISDRAWN.items() if self.name.startswith(name) for letter in letters
        }


def korean_faces(folder: Path | None = None) -> tuple[Face, ...]:
    """Every Korean face that is there, by name, each once: the package's own two, those in ``folder``, the system's.

    Args:
        folder: fonts of your own, at any depth; without it what ``OCR_PIPELINE_FONTS`` names, if anything.

    Raises:
        PipelineError: there is no such folder.
    """
    own = folder or os.environ.get(FOLDER_VARIABLE)
    if own:
        demand_folder(Path(own), f"Name a folder of fonts ({FOLDER_VARIABLE}), or unset it.")
    faces: dict[str, Face] = {}
    for face in (*package_faces(), *_faces_below(Path(own) if own else None), *_system_faces()):
        if face.name not in _TWINS:
            faces.setdefault(face.name, face)
    return tuple(faces[name] for name in sorted(faces))


def package_faces() -> tuple[Face, ...]:
    """The two that come with this program's dependencies, so that there is always something to draw in."""
    return (
        Face("Noto Sans KR", Path(pylopdf_fonts_ko.sans_path())),
        Face("Noto Serif KR", Path(pylopdf_fonts_ko.serif_path())),
    )


def training_faces(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Those that may be learned from."""
    return tuple(face for face in faces if not face.held_out)


def judging_faces(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Those that are held out."""
    return tuple(face for face in faces if face.held_out)


def _system_faces() -> Iterator[Face]:
    """What fontconfig knows; where it is not installed the system has no fonts to offer."""
    if not shutil.which("fc-list"):
        return
    form = "%{file}\t%{index}\t%{family[0]}\t%{style[0]}\n"
    command = ["fc-list", "--format", form, ":lang=ko"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in sorted(lines):
        path, index, family, style = line.split("\t")
        if Path(path).suffix.lower() in ENDINGS and ("CJK" not in family or family.endswith("CJK KR")):
            yield Face(_name(family, style), Path(path), int(index))


def _faces_below(folder: Path | None) -> Iterator[Face]:
    for path in sorted(folder.rglob("*") if folder else ()):
        if path.suffix.lower() in ENDINGS:
            family, style = ImageFont.truetype(str(path), _SMALL).getname()
            yield Face(_name(family or path.stem, style or ""), path)


def _name(family: str, style: str) -> str:
    return f"{family} {style}".removesuffix("Regular").strip()


@lru_cache(maxsize=256)
def _sized(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


def _leaves_ink(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    drawn, lacking = font.getmask(letter), font.getmask(_NO_LETTER)
    return drawn.getbbox() is not None and (drawn.size, bytes(drawn)) != (lacking.size, bytes(lacking))
