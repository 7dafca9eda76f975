import unicodedata

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import BertTokenizer, PreTrainedTokenizerFast

from ocr_pipeline.recognition.pretraining.tokenizer import SPECIAL, jamo_tokenizer
from ocr_pipeline.recognition.text import TextCodec, clean_label
from ocr_pipeline_tests.recognition.dlora import families

FIGURES = ["1,000,000원", "10000", "010-1111-2222", "2000년", "www", "[별지", "제1호서식]", "12.5%", "(~ㅇㅂㅇ)~"]


def word_pieces(form):
    """A BERT tokenizer whose pieces are single letters: jamo (NFD), or syllables (NFC)."""
    letters = sorted(
        {*unicodedata.normalize(form, "원년별지제호서식서울시강남구학교생가나다"), *"0123456789w.,-[]()%~ㅇㅂm大韓"}
    )
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters)]
    if form == "NFD":
        vocabulary += ["ᄀ", "ᅡ"]
    return BertTokenizer(vocab={token: n for n, token in enumerate(dict.fromkeys(vocabulary))}, do_lower_case=False)


def byte_pairs():
    """A RoBERTa-like tokenizer that has learned no merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(tokens, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


@pytest.mark.parametrize("make", [jamo_tokenizer, lambda: word_pieces("NFD"), lambda: word_pieces("NFC"), byte_pairs])
@pytest.mark.parametrize("text", FIGURES)
def test_figures_survive(make, text):
    codec = TextCodec(make())
    assert codec.decode(codec.encode(text)) == text


def test_the_usual_decoding_would_not_do():
    tokenizer = word_pieces("NFD")
    tokens = tokenizer("1,000,000원").input_ids
    assert tokenizer.decode(tokens, skip_special_tokens=True) != "1,000,000원"


def test_spaces_between_words_survive():
    for tokenizer in (jamo_tokenizer(), word_pieces("NFD"), byte_pairs()):
        codec = TextCodec(tokenizer)
        assert codec.decode(codec.encode(" 서울시  강남구\t학교 ")) == "서울시 강남구 학교"


def test_form_follows_the_vocabulary():
    assert TextCodec(jamo_tokenizer()).form == TextCodec(word_pieces("NFD")).form == "NFD"
    assert TextCodec(byte_pairs()).form == "NFC"


def test_every_syllable_can_be_said_in_jamo():
    codec = TextCodec(jamo_tokenizer())
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert codec.decode(codec.encode(syllables)) == syllables
    assert codec.decode(codec.encode(unicodedata.normalize("NFD", "뷁"))) == "뷁"


def test_what_is_read_is_nfc():
    tokenizer = jamo_tokenizer()
    text = TextCodec(tokenizer).decode(tokenizer.convert_tokens_to_ids(["ᄒ", "ᅡ", "ᆫ", "ᄀ"]))
    assert text == unicodedata.normalize("NFC", text) == "한ᄀ"


def test_special_tokens_and_the_mask_are_skipped():
    codec = TextCodec(jamo_tokenizer())
    assert codec.decode([2, *codec.encode("가"), 0, 0, -100]) == "가"


def test_compatibility_characters_are_folded_only_where_they_must_be():
    assert _said(word_pieces("NFD"), "나㎡") == "나m2"
    assert _said(jamo_tokenizer(), "나㎡①") == "나㎡①"
    assert _said(jamo_tokenizer(), "１２") == "12"


def test_coverage_counts_what_cannot_be_said():
    coverage = TextCodec(jamo_tokenizer()).coverage(["가나", "1½", "½½", "１", "뷁"])
    assert (coverage.labels, coverage.changed) == (5, 3)
    assert coverage.characters == {"½": 3, "１": 1}
    assert ("１", "1") in coverage.lost


def test_coverage_knows_of_spaces_that_word_pieces_lose():
    coverage = TextCodec(word_pieces("NFD")).coverage(["서울, 강남", "서울 강남"])
    assert coverage.lost == {("서울, 강남", "서울,강남"): 1}


def test_ideographs_are_not_torn_apart():
    assert _said(word_pieces("NFD"), "大韓") == "大韓"


def test_special_tokens_stand_where_the_model_expects_them():
    assert [SPECIAL[n] for n in range(4)] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    assert TextCodec(jamo_tokenizer()).encode("a")[-1] == SPECIAL.index("[SEP]")


def _said(tokenizer, text):
    codec = TextCodec(tokenizer)
    return codec.decode(codec.encode(text))


def test_a_piece_of_two_signs_is_no_mark_of_word_pieces():
    codec = TextCodec(families.byte_pairs())
    for text in ("서울특별시 강남구", "Hello world", "## 1"):
        assert codec.decode(codec.encode(text)) == text


def test_a_label_ends_also_where_the_tokenizer_adds_no_end():
    codec = TextCodec(families.byte_pairs(ends=False), [2])
    assert codec.encode("가")[-1] == 2


@pytest.mark.parametrize("label", ["가나  다라", "대구\u3000시", "a\tb", " a "])
def test_a_label_is_scored_as_it_is_trained(label):
    codec = TextCodec(jamo_tokenizer())
    assert codec.decode(codec.encode(label)) == clean_label(label)
