"""How well text was recognised: the field's metrics, on text in NFC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rapidfuzz.distance import Levenshtein

from ocr_pipeline.page import nfc


@dataclass(frozen=True)
class RecognitionScores:
    """Metrics of one set of predictions; all but ``count`` are fractions.

    Attributes:
        count: how many pairs were compared.
        cer: character error rate, edits over reference characters of the whole set (can exceed 1).
        cer_no_spaces: the same after all white space is removed from both sides.
        wer: word error rate, edits over the reference's words, split at white space.
        one_minus_ned: mean of 1 - edits / length of the longer text (ICDAR 2019 ReCTS); higher is better.
        exact: share of texts without any error; higher is better.
    """

    count: int
    cer: float
    cer_no_spaces: float
    wer: float
    one_minus_ned: float
    exact: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def recognition_scores(references: Sequence[str], predictions: Sequence[str]) -> RecognitionScores:
    """Compare predictions with references, pair by pair.

    Both sides are brought to NFC first (a syllable and its jamo are the same text); nothing else is normalised.

    Raises:
        ValueError: the two sides differ in number, or there is nothing to compare.
    """
    if len(references) != len(predictions) or not references:
        raise ValueError(f"{len(references)} references and {len(predictions)} predictions")
    pairs = [(nfc(reference), nfc(prediction)) for reference, prediction in zip(references, predictions, strict=True)]
    return RecognitionScores(
        count=len(pairs),
        cer=_error_rate(pairs),
        cer_no_spaces=_error_rate([("".join(a.split()), "".join(b.split())) for a, b in pairs]),
        wer=_error_rate([(a.split(), b.split()) for a, b in pairs]),
        one_minus_ned=sum(Levenshtein.normalized_similarity(a, b) for a, b in pairs) / len(pairs),
        exact=sum(a == b for a, b in pairs) / len(pairs),
    )


def _error_rate(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> float:
    """Edits over reference units; where all references are empty, every inserted unit counts as one whole error."""
    edits = sum(Levenshtein.distance(reference, prediction) for reference, prediction in pairs)
    return edits / max(1, sum(len(reference) for reference, _ in pairs))
