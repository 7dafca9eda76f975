"""Word crops without end, drawn to order: crop number n of a seed is the same wherever and whenever it is drawn.

Equal bytes hold for one version of Pillow's FreeType and one set of faces; a manifest names both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.data.synthetic import looks
from ocr_pipeline.data.synthetic.faces import Face, Kind
from ocr_pipeline.data.synthetic.grounds import colours, form_lines, painted, seen, stamped, struck_out, surface
from ocr_pipeline.data.synthetic.lettering import Lettering, hand_set, machine_set, type_struck, upright_set
from ocr_pipeline.data.synthetic.texts import Texts

TRIES = 24
SIZES = (16, 18, 21, 24, 28, 32, 37, 43)  # pixels per em; few, since a font opened at a size costs milliseconds
LEAST_INK = 0.35  # of what a letter had; below that it counts as lost
MOST_UPRIGHT = 12  # letters from top to bottom
BY_HAND: dict[Kind, float] = {"hand": 0.85, "print": 0.06, "sign": 0.0}  # how often each kind of face is handwriting
TYPED = 0.06  # of print that is not crisp
RARE = ("BM Euljiro",)  # faces that people hardly read themselves


class Crop(NamedTuple):
    """A picture (H, W, 3) uint8 RGB, what it says (NFC), and the name of the face that it is drawn in."""

    pixels: np.ndarray
    text: str
    face: str


@dataclass(frozen=True)
class CropDrawing:
    """What crops are drawn from and how.

    Attributes:
        faces: what to draw in.
        corpus: words of one's own.
        seed: another seed, other crops.
        clean: the share of crops that stay crisp print on plain paper.
        kinds: the shares of hands and signs; print has the rest.
        lines: the share of lines of several words.
        upright: the share that is written from top to bottom.
        syllables: the share that is a single one of all 11,172 syllables.
    """

    faces: tuple[Face, ...]
    corpus: Sequence[str] = ()
    seed: int = 0
    clean: float = 0.25
    kinds: dict[Kind, float] = field(default_factory=lambda: {"hand": 0.34, "sign": 0.16})
    lines: float = 0.0
    upright: float = 0.0
    syllables: float = 0.0

    def crop(self, index: int) -> Crop:
        """Crop number ``index``."""
        rng = np.random.Generator(np.random.PCG64([self.seed, index]))
        texts = Texts(rng, self.corpus)
        for _ in range(TRIES):
            text, face = self._text(texts, rng), self._face(rng)
            if (
                text
                and face.draws(text)
                and (pixels := draw_crop(text, face, rng, self.clean, self.upright)) is not None
            ):
                return Crop(pixels, text, face.name)
        raise ValueError(f"nothing can be drawn in these {len(self.faces)} faces")

    def _text(self, texts: Texts, rng: np.random.Generator) -> str:
        if self.syllables and rng.random() < self.syllables:
            return texts.syllable()
        return texts.line() if rng.random() < self.lines else texts.word()

    def _face(self, rng: np.random.Generator) -> Face:
        of_kind = self._by_kind[self._kind(rng.random())] or self.faces
        face = of_kind[int(rng.integers(len(of_kind)))]
        if face.name.startswith(RARE) and rng.random() < 0.7:
            face = of_kind[int(rng.integers(len(of_kind)))]
        return face

    def _kind(self, point: float) -> Kind:
        for kind, share in self.kinds.items():
            point -= share
            if point < 0:
                return kind
        return "print"

    @cached_property
    def _by_kind(self) -> dict[Kind, tuple[Face, ...]]:
        kinds: tuple[Kind, ...] = ("print", "hand", "sign")
        return {kind: tuple(face for face in self.faces if face.kind == kind) for kind in kinds}


def draw_crop(
    text: str, face: Face, rng: np.random.Generator, clean: float = 0.25, upright: float = 0.0
) -> np.ndarray | None:
    """``text`` as a crop (H, W, 3) uint8 RGB in a look that suits the face; None where a letter lost its ink."""
    size = SIZES[int(rng.integers(len(SIZES)))]
    crisp, goes_down = rng.random() < clean, rng.random() < upright and len(text) <= MOST_UPRIGHT
    if not goes_down and rng.random() < BY_HAND[face.kind]:
        cover = _written(hand_set(text, face, size, rng), size, rng)
    else:
        cover = _printed(_set(text, face, size, rng, goes_down, crisp), size, rng, crisp)
    if cover is None:
        return None
    cover = cv2.copyMakeBorder(cover, *(max(2, size // 6),) * 4, cv2.BORDER_CONSTANT, value=0)
    if not crisp:
        cover = _shaped(cover, size, rng)
    return _on_ground(_trimmed(cover, size, rng), face.kind, size, rng, crisp)


def _set(text: str, face: Face, size: int, rng: np.random.Generator, goes_down: bool, crisp: bool) -> Lettering:
    if goes_down:
        return upright_set(text, face, size, rng)
    typed = not crisp and face.kind == "print" and rng.random() < TYPED
    return (type_struck if typed else machine_set)(text, face, size, rng)


def plain_crop(text: str, face: Face, rng: np.random.Generator, size: int = 40) -> np.ndarray:
    """``text`` in dark ink on white paper with a small margin: clean words, to judge by."""
    cover = machine_set(text, face, size, rng).cover
    cover = cv2.copyMakeBorder(cover, *(size // 8,) * 4, cv2.BORDER_CONSTANT, value=0)
    return np.repeat(255 - cover[..., None], 3, axis=2)


def _written(lettering: Lettering, size: int, rng: np.random.Generator) -> np.ndarray | None:
    cover = lettering.cover
    if rng.random() < 0.7:
        cover = looks.waving(cover, size, rng.uniform(0.01, 0.05), rng)
    if rng.random() < 0.7:
        cover = looks.pen_drawn(cover, size, rng)
    return cover if _kept(lettering, cover) else None


def _printed(lettering: Lettering, size: int, rng: np.random.Generator, crisp: bool) -> np.ndarray | None:
    cover, kind = lettering.cover, rng.random()
    if crisp:
        return cover
    if kind < 0.12:
        cover = looks.bolder(cover, 1 + (rng.random() < 0.3 and size > 28))
    elif kind < 0.24:
        cover = looks.thinner(cover, rng.uniform(0.2, 0.7))
    elif kind < 0.36:
        cover = looks.worn(cover, rng)
    elif kind < 0.42:
        cover = looks.dotted(cover, size, rng)
    elif kind < 0.5:
        cover = looks.waving(cover, size, rng.uniform(0.005, 0.03), rng)
    return cover if _kept(lettering, cover) else None


def _kept(lettering: Lettering, cover: np.ndarray) -> bool:
    """Whether every letter still has enough ink where it stood."""
    return bool((Lettering(cover, lettering.boxes).weights() >= LEAST_INK * lettering.weights()).all())


def _shaped(cover: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.05:
        rise = rng.uniform(-0.4, 0.4) * size
        cover = looks.arched(cv2.copyMakeBorder(cover, *(size // 2,) * 2, 0, 0, cv2.BORDER_CONSTANT, value=0), rise)
    if rng.random() < 0.6:
        cover = looks.seen_from_aside(cover, size, rng, rng.uniform(0.3, 1.3))
    return cover


def _trimmed(cover: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cut as annotators cut: tight or generous, seldom a little into the ink, each side for itself."""
    x, y, width, height = cv2.boundingRect((cover >= 40).astype(np.uint8))
    left, top, right, bottom = (round(side) for side in rng.uniform(-0.03, rng.uniform(0.03, 0.3), 4) * size)
    spare = size // 2
    cover = cv2.copyMakeBorder(cover, *(spare,) * 4, cv2.BORDER_CONSTANT, value=0)
    x, y = x + spare, y + spare
    return cover[y - top : y + height + bottom, x - left : x + width + right]


def _on_ground(cover: np.ndarray, kind: Kind, size: int, rng: np.random.Generator, crisp: bool) -> np.ndarray:
    ground, ink = colours(rng, {"print": 0.65, "hand": 0.8, "sign": 0.15}[kind] if not crisp else 0.9)
    picture = surface(cover.shape, ground, rng, 0.0 if crisp else {"print": 0.25, "hand": 0.15, "sign": 0.5}[kind])
    if not crisp and rng.random() < 0.1:
        picture = _with_neighbour(picture, cover, ink, rng)
    if kind != "hand" and not crisp and rng.random() < (0.5 if kind == "sign" else 0.12):
        picture = _decorated(picture, cover, ground, size, rng)
    strength = 1.0 if crisp or rng.random() < 0.7 else rng.uniform(0.45, 1.0)
    picture = painted(picture, cover, ink, strength)
    if not crisp:
        picture = _crossed(picture, ink, kind, size, rng)
    return seen(picture, rng, 0.9 if crisp else 0.1)


def _crossed(picture: np.ndarray, ink: np.ndarray, kind: Kind, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rules of a form, a stroke or a seal across the word, or most often nothing."""
    point = rng.random()
    if point < 0.12:
        return form_lines(picture, rng)
    if kind == "sign" or point > 0.18:
        return picture
    return struck_out(picture, ink, size, rng) if point < 0.15 else stamped(picture, rng)


def _decorated(
    picture: np.ndarray, cover: np.ndarray, ground: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """An outline, a shadow or a relief below the letters."""
    kind, reach = rng.random(), 1 + int(rng.integers(0, 1 + size // 14))
    other = np.clip(ground + rng.choice((-1, 1)) * rng.uniform(40, 120), 0, 255).astype(np.float32)
    if kind < 0.4:
        return painted(picture, looks.outline(cover, reach), other)
    x, y = int(rng.integers(-reach - 1, reach + 2)), int(rng.integers(0, reach + 2))
    if kind < 0.75:
        return painted(picture, looks.shifted(cover, x, y), other, rng.uniform(0.3, 0.8))
    lit = painted(picture, looks.shifted(cover, -1, -1), np.full(3, 255, np.float32), 0.6)
    return painted(lit, looks.shifted(cover, 1, 1), np.zeros(3, np.float32), 0.6)


def _with_neighbour(picture: np.ndarray, cover: np.ndarray, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rim of another line, cut into the crop above or below: this very ink, mirrored and moved away."""
    rows = cover.shape[0]
    away = int(rows * rng.uniform(0.84, 0.95)) * (1 if rng.random() < 0.5 else -1)
    return painted(picture, looks.shifted(np.ascontiguousarray(cover[:, ::-1]), 0, away), ink)
