"""Text between people and the tokenizer: what is fed in, what comes out, and what cannot be said at all."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ocr_pipeline.page import nfc
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

_JAMO = ("ᄀ", "ᅡ")  # conjoining jamo: a tokenizer that has them can say every syllable, letter by letter
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

    Labels go in clean (``clean_label``) and in the form the vocabulary is made for: jamo (NFD) where it holds
    conjoining jamo, as the decoder of ddobokki/ko-trocr learned them, otherwise syllables (NFC). Only a character that
    cannot be said in this form is replaced by its compatibility decomposition (NFKD: ㎡ becomes m2).

    Text comes out in NFC, and without the clean-up of ``tokenizer.decode``, which puts spaces around punctuation and
    takes others away ('1, 000, 000원'). WordPiece forgets the spaces beside punctuation; none is put there again, which
    is right for word crops and for figures, and what it changes in a set of labels is in its ``coverage``.

    Args:
        ends: tokens that end a text to the model, the first of which is added where the tokenizer adds none (GPT-2's
            kind): a model that never saw the end of a label never stops. Empty for those that the tokenizer names.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self._ends = tuple(ends) or end_tokens(tokenizer)
        vocabulary = tokenizer.get_vocab()
        self.form: Literal["NFC", "NFD"] = "NFD" if all(jamo in vocabulary for jamo in _JAMO) else "NFC"
        self._continues = _mark_of_pieces(tokenizer)
        self._special = frozenset((*tokenizer.all_special_ids, *self._ends))
        self._folded: dict[str, str] = {}

    @property
    def fingerprint(self) -> str:
        """Of all that decides what tokens say."""
        return fingerprint_of(f"{token}|{number}" for token, number in sorted(self.tokenizer.get_vocab().items()))

    def encode(self, text: str) -> list[int]:
        """Token ids of a label with a token that ends it, and with what else the tokenizer adds."""
        tokens = self._tokens("".join(self._sayable(character) for character in clean_label(text)))
        if not any(token in self._ends for token in tokens[1:] or tokens):  # one token may begin and end
            tokens = [*tokens, *self._ends[:1]]
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        """Text (NFC) of token ids; special tokens are skipped, and so is the model's mask -100."""
        plain = [int(token) for token in tokens if token >= 0 and token not in self._special]
        if self._continues:
            text = _join_pieces(self.tokenizer.convert_ids_to_tokens(plain), self._continues)
        else:
            text = self.tokenizer.decode(plain, clean_up_tokenization_spaces=False)
        return nfc(text).strip()

    def coverage(self, labels: Iterable[str]) -> Coverage:
        """How many labels survive encoding and decoding, and which characters do not."""
        count, characters, lost = 0, Counter[str](), Counter[tuple[str, str]]()
        for label in labels:
            count += 1
            wanted, said = clean_label(label), self.decode(self.encode(label))
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


def clean_label(text: str) -> str:
    """A label as it is trained and scored: in NFC, with each run of white space as one space, and none at the ends."""
    return nfc(" ".join(text.split()))


def end_tokens(tokenizer: Any) -> tuple[int, ...]:
    """What the tokenizer itself names as the end of a text; BERT's kind calls it the separator."""
    named = (tokenizer.eos_token_id, tokenizer.sep_token_id)
    return tuple(token for token in named if token is not None)[:1]


def _mark_of_pieces(tokenizer: Any) -> str:
    """WordPiece's mark of a piece that follows without a space (``##``); empty for tokenizers of other kinds.

    The kind is asked of the tokenizer's model: GPT-2's byte pairs have a piece "##" as well, which is two signs.
    """
    model = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
    return getattr(model, "continuing_subword_prefix", None) or ""


def _join_pieces(pieces: Iterable[str], continues: str) -> str:
    """Undo WordPiece: spaces stand between words only, never beside what BERT cuts off on its own."""
    text = ""
    for piece in pieces:
        if piece.startswith(continues):
            text += piece.removeprefix(continues)
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
