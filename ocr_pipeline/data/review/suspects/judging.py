"""How a label and what was read in its box differ."""

from __future__ import annotations

from rapidfuzz.distance import Indel, Levenshtein

from ocr_pipeline.data.review.suspects.letters import alike, is_hanja_as_hangul, jamo, narrow, without_spaces
from ocr_pipeline.data.review.suspects.suspect import Kind

_TYPED = 2  # jamo that a typing error changes
_PART = 2  # letters by which a part is shorter than its whole


def is_same(label: str, reading: str) -> bool:
    """Whether two texts say the same, white space at their ends left aside."""
    return " ".join(label.split()) == " ".join(reading.split())


def kind_of(label: str, reading: str) -> Kind:
    """What sort of difference lies between a label and another reading; the least one that explains it."""
    bare, read = without_spaces(label), without_spaces(reading)
    if bare == read:
        return "space"
    if bare.casefold() == read.casefold():
        return "case"
    if narrow(bare) == narrow(read):
        return "width"
    if alike(bare) == alike(read):
        return "lookalike"
    if is_hanja_as_hangul(bare, read):
        return "hanja"
    if Levenshtein.distance(jamo(bare), jamo(read), score_cutoff=_TYPED) <= _TYPED:
        return "jamo"
    if _is_part(read, bare):
        return "cut"
    return "merged" if _is_part(bare, read) else "other"


def similarity(label: str, reading: str) -> float:
    """How much of two texts is the same, by jamo, from 0 to 1."""
    return Indel.normalized_similarity(jamo(label), jamo(reading))


def guessed_odds(label: str, reading: str, confidence: float) -> float:
    """A stand-in for the odds of a reader that only tells how sure it is: it grows with that and with what differs."""
    differing = Levenshtein.distance(jamo(label), jamo(reading))
    return differing**0.5 * 10 * max(confidence - 0.5, 0.0)


def _is_part(part: str, whole: str) -> bool:
    """Whether a text stands at one end of a longer one; a letter of the part may be misread."""
    if not part or len(part) + _PART > len(whole):
        return False
    ends = (whole[: len(part)], whole[-len(part) :])
    return any(Levenshtein.distance(jamo(part), jamo(end), score_cutoff=1) <= (len(part) > 1) for end in ends)
