"""The type case: which face, which size and which words a surface gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocr_pipeline.data.synthetic import vocabulary
from ocr_pipeline.data.synthetic.faces import Face, Kind
from ocr_pipeline.data.synthetic.pages.lettering import Colour, Hand
from ocr_pipeline.data.synthetic.words import KoreanWords

MARKS = ("•", "-", "※", "○", "□", "■", "▶", "*", "①", "②", "③", "가.", "나.", "다.", "1.", "2.", "3)", "(1)", "·")
BRACKETS = ("()", "[]", "「」", "<>", "“”", "''")


class TypeCase:
    """Faces and words, drawn from with one generator."""

    def __init__(self, faces: Sequence[Face], rng: np.random.Generator) -> None:
        self.rng, self.words = rng, KoreanWords(rng)
        self._faces: dict[Kind, tuple[Face, ...]] = {
            kind: tuple(face for face in faces if face.kind == kind) or tuple(faces)
            for kind in ("print", "hand", "sign")
        }

    def chance(self, share: float) -> bool:
        """Whether it happens."""
        return bool(self.rng.random() < share)

    def face(self, *kinds: Kind) -> Face:
        """One face of one of the kinds."""
        faces = self._faces[kinds[int(self.rng.integers(len(kinds)))]]
        return faces[int(self.rng.integers(len(faces)))]

    def size(self, low: float, high: float) -> int:
        """Pixels to the em, even on a logarithmic scale."""
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def print(self, size: int, colour: Colour, *kinds: Kind) -> Hand:
        """Even letters, with the habits of a printer."""
        rng = self.rng
        tracking = float(rng.choice([0.0, 0.0, rng.uniform(-0.06, 0.02), rng.uniform(0.0, 0.16)]))
        weight = int(self.chance(0.2) and size > 14) * max(1, size // 30)
        width = 1.0 if self.chance(0.6) else float(rng.uniform(0.75, 1.15))
        face = self.face(*(kinds or ("print", "print", "print", "sign")))
        return Hand(face, size, colour, tracking, tracking + float(rng.uniform(0.24, 0.5)), weight, width)

    def script(self, size: int, colour: Colour) -> Hand:
        """A person's hand."""
        rng = self.rng
        face, wander = self.face("hand", "hand", "hand", "print"), float(rng.uniform(0.01, 0.06))
        tracking = float(rng.uniform(-0.08, 0.06))
        weight = int(self.chance(0.3) and size > 24)
        return Hand(face, size, colour, tracking, tracking + float(rng.uniform(0.35, 0.75)), weight, 1.0, wander)

    def texts(self, face: Face, count: int) -> list[str]:
        """``count`` words that the face can draw."""
        return [self.text(face) for _ in range(count)]

    def text(self, face: Face) -> str:
        """One word that the face can draw."""
        for _ in range(8):
            word = self._dressed(self._word())
            if face.draws(word):
                return word
        return self.words.from_list(vocabulary.SIGNS)

    def mark(self, face: Face) -> str:
        """What stands before an item of a list."""
        marks = [mark for mark in MARKS if face.draws(mark)]
        return marks[int(self.rng.integers(len(marks)))]

    def _word(self) -> str:
        words = self.words
        kinds = (
            *(3 * (words.administration,)),
            *(3 * (words.sign,)),
            *(2 * (words.nonsense,)),
            words.goods,
            words.goods,
            words.book,
            words.book,
            words.finance,
            words.logistics,
            words.name,
            words.place,
            words.date,
            words.phone,
            words.amount,
            lambda: words.from_list(vocabulary.LATIN),
            lambda: words.from_list(vocabulary.LONE),
            lambda: words.from_list(vocabulary.LONE),
            lambda: str(int(self.rng.integers(1, 400))),
        )
        return kinds[int(self.rng.integers(len(kinds)))]()

    def _dressed(self, word: str) -> str:
        """With an ending, in brackets, before a comma, joined to another, as words stand in sentences."""
        point = self.rng.random()
        if point < 0.25:
            return word + self.words.from_list(
                ("은", "는", "을", "를", "에서", "으로", "입니다.", "합니다.", "의", "까지")
            )
        if point < 0.32:
            return word + self.words.from_list((",", ".", ":", "!", "?", "~", "..."))
        if point < 0.37:
            pair = self.words.from_list(BRACKETS)
            return f"{pair[0]}{word}{pair[1]}"
        if point < 0.42:
            return word + self.words.from_list(("/", "·", "-", "")) + self._word()
        return word
