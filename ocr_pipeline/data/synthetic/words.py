"""Words as the five sets hold them: real vocabulary, numbers of every form, and the inventions of handwriting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocr_pipeline.data.synthetic import vocabulary

HANGUL_FIRST, INITIALS, VOWELS, FINALS = 0xAC00, 19, 21, 28  # Unicode 3.12: syllable = first + (i * 21 + v) * 28 + f
PLAIN_FINALS = (0, 0, 0, 1, 4, 8, 16, 17, 21)  # none, then ㄱ ㄴ ㄹ ㅁ ㅂ ㅇ


class KoreanWords:
    """An endless supply of words; the same generator state gives the same words.

    Every word is non-empty, in NFC, free of spaces, and can be drawn with both fonts of ``writing``.
    The methods ``administration`` to ``handwriting`` mix words as one set has them; the others make one kind of word.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    # -- the mixtures of the sets ------------------------------------------------------------------------------------

    def administration(self) -> str:
        """A word of a printed public document."""
        plain = self.from_list(vocabulary.ADMINISTRATION)
        return self._mix(
            (0.62, lambda: plain),
            (0.08, self.place),
            (0.05, self.name),
            (0.07, self.date),
            (0.07, self.number),
            (0.05, self.measure),
            (0.03, self.amount),
            (0.02, lambda: self.from_list(vocabulary.LATIN)),
            (0.01, lambda: f"({self.from_list(vocabulary.HANJA)})"),
        )

    def finance(self) -> str:
        """A value filled into a form of a bank, an insurer or a broker."""
        return self._mix(
            (0.3, lambda: self.from_list(vocabulary.FINANCE)),
            (0.2, self.name),
            (0.15, self.place),
            (0.12, self.amount),
            (0.1, self.date),
            (0.08, self.phone),
            (0.05, self.account),
        )

    def logistics(self) -> str:
        """A value filled into a shipping document."""
        return self._mix(
            (0.3, lambda: self.from_list(vocabulary.LOGISTICS)),
            (0.35, lambda: self.from_list(vocabulary.LOGISTICS_LATIN)),
            (0.2, self.number),
            (0.1, self.contents),
            (0.05, self.date),
        )

    def sign(self) -> str:
        """A word on a shop sign or a road sign."""
        return self._mix(
            (0.74, lambda: self.from_list(vocabulary.SIGNS)),
            (0.1, self.phone),
            (0.08, lambda: self.from_list(vocabulary.LATIN)),
            (0.08, self.place),
        )

    def goods(self) -> str:
        """A word on a product."""
        return self._mix((0.85, lambda: self.from_list(vocabulary.GOODS)), (0.15, self.contents))

    def book(self) -> str:
        """A word on a book cover."""
        return self._mix((0.85, lambda: self.from_list(vocabulary.BOOKS)), (0.15, self.name))

    def handwriting(self) -> str:
        """A word of the handwriting set: real words among nonsense syllables, Latin, Hanja, numbers, emoticons."""
        return self._mix(
            (0.3, self.nonsense),
            (0.2, lambda: self.from_list(vocabulary.ADMINISTRATION + vocabulary.GOODS)),
            (0.1, self.name),
            (0.13, self.place),
            (0.1, lambda: self.from_list(vocabulary.LATIN)),
            (0.05, lambda: self.from_list(vocabulary.HANJA)),
            (0.06, self.number),
            (0.06, self.emoticon),
        )

    # -- one kind of word --------------------------------------------------------------------------------------------

    def from_list(self, words: tuple[str, ...]) -> str:
        """One word of a list of ``vocabulary``."""
        return words[self._below(len(words))]

    def name(self) -> str:
        """A person's name: 김민준."""
        return self.from_list(vocabulary.SURNAMES) + self.from_list(vocabulary.GIVEN_NAMES)

    def place(self) -> str:
        """A province, city, district or quarter."""
        return self.from_list(vocabulary.PLACES)

    def number(self) -> str:
        """A plain, grouped, hyphenated or numbered figure."""
        figure = self._below(10 ** (1 + self._below(5)))
        return self._one_of(
            str(figure), f"{figure:,}", f"제{figure}호", f"{figure}-{self._below(99) + 1}", f"{figure}번지"
        )

    def amount(self) -> str:
        """Money: 1,000,000원."""
        return f"{(self._below(999) + 1) * 10 ** (1 + self._below(6)):,}{self._one_of('원', '원', '원', '천원', '')}"

    def measure(self, units: tuple[str, ...] = vocabulary.UNITS) -> str:
        """A number with a unit: 25kg."""
        return f"{self._below(500) + 1}{self.from_list(units)}"

    def contents(self) -> str:
        """How much a package holds: 500ml."""
        return self.measure(vocabulary.PACKAGE_UNITS)

    def date(self) -> str:
        """A date in one of the usual forms."""
        year, month, day = 1970 + self._below(55), 1 + self._below(12), 1 + self._below(28)
        return self._one_of(
            f"{year}.{month:02}.{day:02}",
            f"{year}-{month:02}-{day:02}",
            f"{year}.{month}.{day}.",
            f"{year}년",
            f"{month}월",
            f"{day}일",
            f"{year % 100:02}.{month}.{day}",
        )

    def phone(self) -> str:
        """A telephone number."""
        area = self._one_of("010", "010", "02", "031", "051", "064", "070")
        return f"{area}-{self._below(9000) + 1000}-{self._below(10000):04}"

    def account(self) -> str:
        """A bank account number."""
        return f"{self._below(900) + 100}-{self._below(100):02}-{self._below(10**6):06}"

    def nonsense(self) -> str:
        """Two to four syllables that mean nothing; most of them end in no consonant or a plain one."""
        return "".join(self._syllable() for _ in range(2 + self._below(3)))

    def emoticon(self) -> str:
        """An emoticon, with compatibility jamo in many: ㅇ_ㅇ."""
        return self.from_list(vocabulary.EMOTICONS)

    def _syllable(self) -> str:
        final = PLAIN_FINALS[self._below(len(PLAIN_FINALS))] if self.rng.random() < 0.8 else self._below(FINALS)
        return chr(HANGUL_FIRST + (self._below(INITIALS) * VOWELS + self._below(VOWELS)) * FINALS + final)

    def _mix(self, *kinds: tuple[float, Callable[[], str]]) -> str:
        """Draw from one kind, chosen by its share; the last kind takes what is left of 1."""
        point = self.rng.random()
        for share, draw in kinds:
            point -= share
            if point < 0:
                return draw()
        return kinds[-1][1]()

    def _one_of(self, *choices: str) -> str:
        return choices[self._below(len(choices))]

    def _below(self, end: int) -> int:
        return int(self.rng.integers(end))
