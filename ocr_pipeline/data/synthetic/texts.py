"""What is written in synthetic crops: what labels hold, and by need what they seldom hold but a reader must know.

Half is real language; the rest makes a reader read instead of guess: every syllable there is, figures and dates in
equal parts, Latin, Hanja, both widths of punctuation, single jamo.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ocr_pipeline.data.synthetic.hanja import SCHOOL_HANJA
from ocr_pipeline.data.synthetic.words import FINALS, HANGUL_FIRST, KoreanWords

LONGEST = 40  # letters of a line
LONGEST_WORD = 20
ENDS = (".", ".", ",", ",", ":", "?", "!", ")", ";", "'s")
ENDINGS = (".co.kr", ".com", ".kr", ".or.kr", ".go.kr", ".net")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SYLLABLES = tuple(chr(code) for code in range(HANGUL_FIRST, HANGUL_FIRST + 19 * 21 * FINALS))
COMMON = tuple(syllable for syllable in SYLLABLES if len(syllable.encode("euc-kr")) == 2)
"""The 2350 syllables of KS X 1001: EUC-KR spells the others in eight bytes."""
JAMO = tuple(map(chr, range(0x3131, 0x3164)))
ASCII = tuple(map(chr, range(0x21, 0x7F)))
MARKS = tuple("°±·×÷‘’“”…※→←↑↓○●◎□■△▲▽▼◇◆☆★、。「」『』【】《》〈〉~₩€£¥§℃㎏㎜㎝㎞㎡㎥㎖ℓ①②③④⑤⑥⑦⑧⑨⑩㈜")
PAIRS = ("()", "[]", "「」", "『』", "‘’", "“”", "<>", "【】", "《》", "''", '""')
WIDE = tuple(map(chr, range(0xFF01, 0xFF5F)))
HANJA = tuple(
    "郎山川水人民大韓國美日月金銀行道路法令印稅市郡面里長部課號年文書公告男女甲乙家門天地春秋東西南北"
    "一二三四五六七八九十百千萬上中下左右前後內外新舊高低正誤有無出入火木土王子父母"
)
UNITS = ("km", "Km", "m", "cm", "mm", "kg", "g", "L", "ml", "%", "원", "층", "호", "번", "시간", "분", "명", "개", "년")

LATIN = _words(
    """
    the of and to in is for on with you at this from store shop open close cafe hotel bank street road city station
    airport exit entrance parking police hospital pharmacy school university museum park market restaurant food beer
    chicken pizza sale free new best service center office company korea seoul busan daegu incheon jeju river bridge
    line subway bus taxi train information ticket adult child price total amount tax date name address phone number
    fresh premium original natural organic milk water juice tea coffee bread rice beauty skin care clinic dental hair
    nail fashion sport outdoor golf tennis computer mobile internet game music movie book art design photo studio
    house home life love happy good great big small hot cold left right north south east west first second last
    system data model type size color weight power battery charger wireless digital smart world global international
    trading logistics express cargo container invoice packing shipper consignee description quantity unit warning
    """
)

_ONSETS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_NUCLEI = (
    *("a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu"),
    *("eu", "ui", "i"),
)
_CODAS = (
    *("", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng"),
    *("t", "t", "k", "t", "p", "t"),
)


class Texts:
    """Texts without end; what comes is decided by the generator alone.

    Args:
        rng: decides everything.
        corpus: words of your own beside those of this program; ``read_corpus`` reads them.
    """

    def __init__(self, rng: np.random.Generator, corpus: Sequence[str] = ()) -> None:
        self.rng, self.corpus, self.words = rng, corpus, KoreanWords(rng)

    def word(self) -> str:
        """One word, seldom two, of at most 20 letters; one of eight ends in a mark, as words of running text do."""
        kinds = (
            (0.27, self.of_the_sets),
            (0.16, self._of_the_corpus),
            (0.17, lambda: self._some(SYLLABLES, 1, 5)),
            (0.07, lambda: self._some(COMMON, 1, 6)),
            (0.05, self.words.nonsense),
            (0.07, self._latin),
            (0.05, self._figures),
            (0.03, lambda: self._some(ASCII, 1, 6)),
            (0.02, self._hanja),
            (0.02, self._marked),
            (0.01, self._two_words),
            (0.04, self._compound),
            (0.02, self._address),
            (0.02, self._code),
        )
        word = self._pick(kinds)[:LONGEST_WORD].strip()
        return word + _one_of(ENDS, self.rng) if self.rng.random() < 0.12 else word

    def line(self) -> str:
        """Words with spaces between them, 6 to 40 letters."""
        wanted = int(self.rng.integers(6, LONGEST + 1))
        line = self.word()
        while len(line) < wanted:
            line += " " + self.word()
        return line[:LONGEST].strip()

    def syllable(self) -> str:
        """One of all syllables, alone."""
        return _one_of(SYLLABLES, self.rng)

    def _pick(self, kinds: tuple[tuple[float, Callable[[], str]], ...]) -> str:
        point = self.rng.random()
        for share, draw in kinds:
            point -= share
            if point < 0:
                return draw()
        return kinds[0][1]()

    def of_the_sets(self) -> str:
        """A word as one of the five sets has it."""
        words = self.words
        sets = (words.administration, words.finance, words.logistics, words.sign, words.goods, words.book)
        return (*sets, words.handwriting)[self._below(7)]()

    def _of_the_corpus(self) -> str:
        if not self.corpus:
            return self.of_the_sets()
        word = self.corpus[self._below(len(self.corpus))]
        if self.rng.random() < 0.3:
            word += _one_of(
                ("은", "는", "이", "가", "을", "를", "의", "에", "에서", "으로", "와", "도", "입니다", "하는"), self.rng
            )
        return word

    def _some(self, letters: Sequence[str], fewest: int, most: int) -> str:
        return "".join(_one_of(letters, self.rng) for _ in range(int(self.rng.integers(fewest, most + 1))))

    def _latin(self) -> str:
        """Korean names in Latin letters, as signs write them, and words with capitals of every habit."""
        if self.rng.random() < 0.5:
            word = "".join(_romanised(_one_of(COMMON, self.rng)) for _ in range(int(self.rng.integers(1, 4))))
        else:
            word = _one_of(LATIN, self.rng)
        habit = self.rng.random()
        return word.capitalize() if habit < 0.45 else word.upper() if habit < 0.75 else word

    def _figures(self) -> str:
        """Figures with and without units, dates, amounts, telephone numbers, times: each as often as the others."""
        words = self.words
        kinds = (words.date, words.amount, words.phone, words.account, words.number, self._measured, self._clock)
        return (*kinds, self._digits)[self._below(8)]()

    def _digits(self) -> str:
        return "".join(str(self._below(10)) for _ in range(1 + self._below(8)))

    def _measured(self) -> str:
        figure = self.rng.integers(1, 10 ** (1 + self._below(4)))
        return (
            f"{figure / 10:.1f}{_one_of(UNITS, self.rng)}" if self._below(2) else f"{figure}{_one_of(UNITS, self.rng)}"
        )

    def _clock(self) -> str:
        return f"{self._below(24):02}:{self._below(60):02}"

    def _hanja(self) -> str:
        """Those that papers and signs are full of, and any that school teaches, in equal parts."""
        return self._some(HANJA if self._below(2) else SCHOOL_HANJA, 1, 4)

    def _marked(self) -> str:
        """A word in brackets or quotes, a mark alone, a jamo alone, full-width letters."""
        kind, word = self._below(5), self._some(COMMON, 1, 4)
        if kind == 0:
            pair = _one_of(PAIRS, self.rng)
            return pair[0] + word + pair[1]
        if kind == 1:
            return (
                word
                + _one_of((".", ",", "!", "?", ":", ";", "~", "…", ")", "·"), self.rng)
                + ("" if self._below(2) else "1")
            )
        if kind == 2:
            return self._some(JAMO, 1, 3)
        return self._some(MARKS, 1, 2) + word[:2] if kind == 3 else self._some(WIDE, 1, 4)

    def _compound(self) -> str:
        """Nouns written as one, as in the names of goods and of companies; some of it may stand in brackets."""
        nouns = [self.of_the_sets() for _ in range(2 + self._below(3))]
        if self._below(3) == 0:
            nouns[-1] = f"({nouns[-1] if self._below(2) else self._latin()})"
        return "".join(nouns)

    def _address(self) -> str:
        """Of a site or of a person, as they stand on cards and packets."""
        name, end = self._latin().lower(), _one_of(ENDINGS, self.rng)
        mail = f"{name}{self._digits() if self._below(2) else ''}@{_one_of(LATIN, self.rng)}{end}"
        site = f"{name}{end}" + (f"/{_one_of(LATIN, self.rng)}" if self._below(3) == 0 else "")
        return (f"www.{site}", site, mail, f"http://{site}")[self._below(4)]

    def _code(self) -> str:
        """Letters and figures in groups: models, permits, lots."""
        groups = [self._group() for _ in range(2 + self._below(2))]
        return _one_of(("-", "-", "-", ".", "/", ""), self.rng).join(groups) + ("호" if self._below(5) == 0 else "")

    def _group(self) -> str:
        capitals = "".join(chr(ord("A") + self._below(26)) for _ in range(self._below(4)))
        return capitals + (f"{self._below(10 ** (1 + self._below(5))):02}" if self._below(4) or not capitals else "")

    def _two_words(self) -> str:
        return f"{self.of_the_sets()[:7]} {self.of_the_sets()[:7]}"

    def _below(self, end: int) -> int:
        return int(self.rng.integers(end))


def read_corpus(path: Path) -> tuple[str, ...]:
    """The words of a text file (UTF-8) or of a hunspell dictionary (``word/flags``), each once, at most 12 letters."""
    words = (word.split("/")[0] for line in path.read_text(encoding="utf-8").splitlines() for word in line.split())
    composed = (unicodedata.normalize("NFC", word) for word in words)
    return tuple(dict.fromkeys(word for word in composed if 0 < len(word) <= 12))


def _romanised(syllable: str) -> str:
    """As the state's rules of 2000 spell it, letter by letter: 평 -> pyeong."""
    number = ord(syllable) - HANGUL_FIRST
    return _ONSETS[number // (21 * FINALS)] + _NUCLEI[number // FINALS % 21] + _CODAS[number % FINALS]


def _one_of(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
