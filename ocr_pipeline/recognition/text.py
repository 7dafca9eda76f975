"""Text between people and the tokenizer: what is fed in, what comes out, and what cannot be said at all."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ocr_pipeline.page import nfc

_JAMO = ("ᄀ", "ᅡ")  # conjoining jamo: a tokenizer that has them can say every syllable, letter by letter
_CONTINUES = "##"  # WordPiece mark of a piece that follows without a space
_CJK = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


@dataclass(frozen=True)
class Coverage:
    """What a tokenizer makes of a set of labels.

    Attributes:
        labels: how many labels were looked at.
        changed: how many of them do not come back as they went in.
        characters: characters that cannot be said, with how often they occur.
        lost: (label, what comes back) pairs of those that change, with how often they occur.
    """

    labels: int = 0
    changed: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)


class TextCodec:
    """Turns labels into tokens and tokens into text, for any Hugging Face tokenizer.

    Labels go in with white space collapsed and in the form the vocabulary is made for: jamo (NFD) where it holds
    conjoining jamo, as the decoder of ddobokki/ko-trocr learned them, otherwise syllables (NFC). Only a character that
    cannot be said in this form is replaced by its compatibility decomposition (NFKD: ㎡ becomes m2).

    Text comes out in NFC, and without the clean-up of ``tokenizer.decode``, which puts spaces around punctuation and
    takes others away ('1, 000, 000원'). WordPiece forgets the spaces beside punctuation; none is put there again, which
    is right for word crops and for figures, and what it changes in a set of labels is in its ``coverage``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab()
        self.form: Literal["NFC", "NFD"] = "NFD" if all(jamo in vocabulary for jamo in _JAMO) else "NFC"
        self._word_pieces = any(token.startswith(_CONTINUES) for token in vocabulary)
        self._special = frozenset(tokenizer.all_special_ids)
        self._folded: dict[str, str] = {}

    def encode(self, text: str) -> list[int]:
        """Token ids of a label, with the start and end tokens that the tokenizer adds."""
        return self._tokens("".join(self._sayable(character) for character in _clean(text)))

    def decode(self, tokens: Sequence[int]) -> str:
        """Text (NFC) of token ids; special tokens are skipped, and so is the model's mask -100."""
        plain = [int(token) for token in tokens if token >= 0 and token not in self._special]
        if self._word_pieces:
            text = _join_pieces(self.tokenizer.convert_ids_to_tokens(plain))
        else:
            text = self.tokenizer.decode(plain, clean_up_tokenization_spaces=False)
        return nfc(text).strip()

    def coverage(self, labels: Iterable[str]) -> Coverage:
        """How many labels survive encoding and decoding, and which characters do not."""
        count, characters, lost = 0, Counter[str](), Counter[tuple[str, str]]()
        for label in labels:
            count += 1
            wanted, said = _clean(label), self.decode(self.encode(label))
            if wanted != said:
                lost[wanted, said] += 1
                characters.update(character for character in wanted if not self._says(character))
        return Coverage(count, lost.total(), characters, lost)

    def _sayable(self, character: str) -> str:
        if character not in self._folded:
            folded = unicodedata.normalize("NFKD", character)
            keep = self._says(character) or not all(self._says(part) for part in folded)
            self._folded[character] = character if keep else folded
        return self._folded[character]

    def _says(self, text: str) -> bool:
        """Whether ``text`` comes back, at the start of a word and within one."""
        return text == " " or all(self.decode(self._tokens(once)) == nfc(once) for once in (text, text + text))

    def _tokens(self, text: str) -> list[int]:
        return self.tokenizer(unicodedata.normalize(self.form, text)).input_ids


def _clean(text: str) -> str:
    return nfc(" ".join(text.split()))


def _join_pieces(pieces: Iterable[str]) -> str:
    """Undo WordPiece: spaces stand between words only, never beside what BERT cuts off on its own."""
    text = ""
    for piece in pieces:
        if piece.startswith(_CONTINUES):
            text += piece.removeprefix(_CONTINUES)
        elif text and not _stands_alone(text[-1]) and not _stands_alone(piece[0]):
            text += " " + piece
        else:
            text += piece
    return text


def _stands_alone(character: str) -> bool:
    """Whether BERT's pre-tokenizer makes a word of this character: punctuation, ASCII symbols, ideographs."""
    if character.isascii():
        return character.isprintable() and not character.isalnum()
    code = ord(character)
    return unicodedata.category(character)[0] == "P" or any(first <= code <= last for first, last in _CJK)
