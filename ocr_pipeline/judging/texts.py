"""What the page says, in English and in Korean."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    ko: str


TEXTS = {
    "title": Text("What the models are worth", "모델 성능 판정"),
    "lead": Text("pages, words on them:", "쪽, 낱말 수:"),
    "unreadable": Text("Pages that could not be read", "읽을 수 없던 쪽"),
    "contestant": Text("contestant", "대상"),
    "version": Text("exactly what was judged", "정확한 버전"),
    "scores": Text("Scores", "점수"),
    "scores_note": Text(
        "With 95 % intervals (bootstrap over pages). The small line says by how much the first contestant exceeds this "
        "one, on the same draws; it is bold where the interval leaves out 0.",
        "괄호 안은 95 % 구간(쪽 단위 부트스트랩). 작은 글씨는 같은 추출에서 첫째 대상의 값에서 "
        "이 대상의 값을 뺀 것이며, 구간에 0이 없으면 굵게 표시합니다.",
    ),
    "measure": Text("measure", "지표"),
    "detection": Text("Finding words", "낱말 찾기"),
    "recognition": Text("Reading the true boxes", "정답 상자 읽기"),
    "end to end": Text("From picture to text (ICDAR 2015, task 4.4)", "그림에서 글까지 (ICDAR 2015, 4.4)"),
    "slices": Text("By kind of word", "낱말 종류별"),
    "slices_note": Text(
        "CER and exact: of true boxes. Found and read: of words in whole pages.",
        "CER와 일치율은 정답 상자, 찾음과 읽음은 쪽 전체에서 잽니다.",
    ),
    "data set": Text("data set", "데이터셋"),
    "page": Text("kind of page", "쪽 종류"),
    "typeface": Text("typeface", "글씨"),
    "orientation": Text("orientation", "방향"),
    "script": Text("script", "문자"),
    "length": Text("length in characters", "글자 수"),
    "height": Text("height in pixels", "높이(픽셀)"),
    "rarest syllable": Text("how often its rarest syllable was learnt", "가장 드문 음절이 학습된 횟수"),
    "kind": Text("kind", "종류"),
    "words": Text("words", "낱말"),
    "confusions": Text("What is taken for what", "혼동"),
    "confusions_note": Text(
        "Letters of a syllable by their position, and whole characters; a click on a heading sorts. ∅: nothing.",
        "음절의 초성·중성·종성과 글자 단위. 제목을 누르면 정렬됩니다. ∅: 없음.",
    ),
    "truth": Text("truth", "정답"),
    "said": Text("read as", "읽은 것"),
    "times": Text("times", "횟수"),
    "of": Text("of", "전체"),
    "share": Text("share", "비율"),
    "examples": Text("examples", "보기"),
    "calibration": Text("Is it as sure as it is right?", "확신도는 믿을 만한가"),
    "calibration_note": Text(
        "Share of right words over confidence; on the dashed line 0.9 is right nine times of ten.",
        "확신도에 따른 정답률. 점선 위에 있으면 0.9가 열에 아홉 맞습니다.",
    ),
    "boxes": Text("true boxes", "정답 상자"),
    "pages": Text("words of whole pages", "쪽 전체의 낱말"),
    "no_look": Text("needs no look from", "확인이 필요 없는 확신도"),
    "never": Text("no confidence promises enough", "충분히 믿을 확신도가 없음"),
    "of_words": Text("of the words", "의 낱말"),
    "gallery": Text("The worst of each kind of error", "오류 종류별 가장 나쁜 보기"),
    "gallery_note": Text("Of the first contestant.", "첫째 대상의 오류입니다."),
    "missed": Text("Words that were not found", "찾지 못한 낱말"),
    "false": Text("Taken for words", "낱말로 잘못 본 곳"),
    "silent": Text("Nothing was read", "아무것도 읽지 못함"),
    "left_out": Text("Characters left out", "글자 빠짐"),
    "put_in": Text("Characters put in", "글자 더해짐"),
    "letter": Text("Another letter of a syllable", "자모 하나 틀림"),
    "syllable": Text("Other characters", "다른 글자"),
    "spaces": Text("Other spaces", "띄어쓰기 다름"),
    "signs": Text("Other case, width or signs", "대소문자·전각·부호 다름"),
    "first": Text("first", "초성"),
    "vowel": Text("vowel", "중성"),
    "last": Text("last", "종성"),
    "character": Text("character", "글자"),
    "nothing": Text("nothing to show", "보일 것이 없음"),
    "files": Text("The numbers, and the speeds of this run:", "수치와 이번 실행의 속도:"),
}
"""By their names in the templates."""

MEASURES = {
    "found_precision": Text("precision", "정밀도"),
    "found_recall": Text("recall", "재현율"),
    "found_hmean": Text("hmean (ICDAR 2015)", "조화평균 (ICDAR 2015)"),
    "coverage": Text("words covered by 70 %", "70 % 넘게 덮인 낱말"),
    "cleval": Text("CLEval hmean", "CLEval 조화평균"),
    "cer": Text("CER", "글자 오류율 (CER)"),
    "cer_no_spaces": Text("CER without spaces", "CER, 공백 빼고"),
    "cer_nfkc": Text("CER, NFKC-folded", "CER, NFKC로 접음"),
    "cer_jamo": Text("CER of jamo", "자모 CER"),
    "wer": Text("WER", "어절 오류율 (WER)"),
    "one_minus_ned": Text("1 - NED", "1 - NED"),
    "exact": Text("exact", "완전 일치"),
    "found": Text("found", "찾음"),
    "read": Text("read", "읽음"),
    "precision": Text("precision", "정밀도"),
    "recall": Text("recall", "재현율"),
    "hmean": Text("hmean", "조화평균"),
    "as it is": Text("as it is", "그대로"),
    "without spaces": Text("without spaces", "공백 빼고"),
    "NFKC": Text("NFKC", "NFKC"),
    "NFKC without spaces": Text("NFKC without spaces", "NFKC, 공백 빼고"),
}
"""By the names of measures, and of the parts that ``read_hmean, as it is`` is put together of."""


def measure_text(name: str) -> Text:
    """What a measure is called."""
    if name in MEASURES:
        return MEASURES[name]
    rate, _, fold = name.removeprefix("read_").partition(", ")
    parts = MEASURES[rate], MEASURES[fold]
    return Text(", ".join(part.en for part in parts), ", ".join(part.ko for part in parts))
