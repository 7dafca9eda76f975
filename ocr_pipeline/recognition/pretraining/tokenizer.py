"""A tokenizer of jamo: one token for each letter of a syllable, so that all 11,172 syllables can be said."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from ocr_pipeline.data.synthetic.hanja import SCHOOL_HANJA
from ocr_pipeline.data.synthetic.texts import HANJA, MARKS

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
PAD, UNKNOWN, START, END = range(4)
CONJOINING_JAMO = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]  # modern ones, as NFD gives
COMPATIBILITY_JAMO = [*range(0x3131, 0x3164)]


def jamo_tokenizer(more: str = "") -> PreTrainedTokenizerFast:
    """One token per jamo or character, spaces included, so that decoding gives back exactly what was encoded (NFD).

    Args:
        more: further characters.
    """
    letters = [chr(code) for code in [*range(0x20, 0x7F), *CONJOINING_JAMO, *COMPATIBILITY_JAMO]]
    symbols = [symbol for symbol in dict.fromkeys((*MARKS, *HANJA, *SCHOOL_HANJA, *more)) if symbol not in letters]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters, *symbols])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.NFD()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {SPECIAL[END]}", special_tokens=[(SPECIAL[END], END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[PAD],
        unk_token=SPECIAL[UNKNOWN],
        cls_token=SPECIAL[START],
        sep_token=SPECIAL[END],
    )
