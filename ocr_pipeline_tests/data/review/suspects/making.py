"""What the tests of the search share."""

from __future__ import annotations

from collections.abc import Sequence

from ocr_pipeline.data.review.suspects.suspect import Reading, SeenPage, SeenWord
from ocr_pipeline.page import Quad, Word

PARTICULARS = ("성명", "주소", "전화번호", "생년월일", "접수번호", "담당자", "서울특별시", "결재")
TEXTS = (*PARTICULARS, "금액", "송하인", "수하인", "품명", "수량", "단가", "비고")


def quad(place: int) -> Quad:
    """Words side by side on one line."""
    left = 100.0 * place
    return ((left, 0.0), (left + 80, 0.0), (left + 80, 30.0), (left, 30.0))


def words(texts: Sequence[str]) -> tuple[Word, ...]:
    return tuple(Word(place, text, quad(place)) for place, text in enumerate(texts))


def seen(labels: Sequence[str], *readers: Sequence[str], **flags) -> SeenPage:
    """A page on which each reader read what is given, surely."""
    read = zip(*readers, strict=True)
    return SeenPage(
        tuple(
            SeenWord(word, tuple(Reading(text, 0.9) for text in texts), **flags)
            for word, texts in zip(words(labels), read, strict=True)
        )
    )
