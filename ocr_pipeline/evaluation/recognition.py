"""How well text was recognised: the field's metrics, on text in NFC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal
from unicodedata import normalize

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocr_pipeline.page import nfc

LENGTHS = (5, 10, 20)  # where the groups of lengths end
RESAMPLES = 500

Part = Callable[[str, str], tuple[float, float]]


@dataclass(frozen=True)
class RecognitionScores:
    """Metrics of one set of predictions; all but ``count`` are fractions.

    Attributes:
        count: how many pairs were compared.
        cer: character error rate, edits over reference characters of the whole set (can exceed 1).
        cer_low, cer_high: its 95 % interval by the bootstrap over texts (Efron 1979, percentiles).
        cer_no_spaces: the same after all white space is removed from both sides.
        cer_nfkc: with compatibility characters folded on both sides (㈜ is (주)), as some tokenizers force it.
        cer_jamo: over jamo (NFD): a syllable with one wrong letter is wrong by a third or half, not whole.
        wer: word error rate, edits over the reference's words, split at white space.
        one_minus_ned: mean of 1 - edits / length of the longer text (ICDAR 2019 ReCTS); higher is better.
        exact: share of texts without any error; higher is better.
    """

    count: int
    cer: float
    cer_low: float
    cer_high: float
    cer_no_spaces: float
    cer_nfkc: float
    cer_jamo: float
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
    parts = [text_parts(reference, prediction) for reference, prediction in zip(references, predictions, strict=True)]
    rates = {name: _rate([part[name] for part in parts]) for name in RATES}
    return RecognitionScores(count=len(parts), **_interval([part["cer"] for part in parts]), **rates)


def text_parts(reference: str, prediction: str) -> dict[str, tuple[float, float]]:
    """What each rate adds up of one pair of texts, by the names of `RecognitionScores`: its share, and of how much.

    Both sides are brought to NFC first.
    """
    reference, prediction = nfc(reference), nfc(prediction)
    return {name: part(reference, prediction) for name, part in RATES.items()}


def scores_by_group(
    references: Sequence[str], predictions: Sequence[str], sources: Sequence[str]
) -> dict[str, RecognitionScores]:
    """The scores of all texts, of each source, and of each length of the reference (in characters).

    Raises:
        ValueError: the three differ in number, or there is nothing to compare.
    """
    groups: dict[str, list[tuple[str, str]]] = {"all": []}
    for reference, prediction, source in zip(references, predictions, sources, strict=True):
        for group in ("all", f"source {source}", f"length {_length_group(len(nfc(reference)))}"):
            groups.setdefault(group, []).append((reference, prediction))
    return {
        group: recognition_scores(*zip(*pairs, strict=True))
        for group, pairs in sorted(groups.items(), key=lambda item: _rank(item[0]))
        if pairs
    }


def _length_group(length: int) -> str:
    low = 0
    for high in LENGTHS:
        if length <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"{low}+"


def _rank(group: str) -> tuple[int, int, str]:
    kind, _, name = group.partition(" ")
    number = int(name.partition("-")[0].rstrip("+")) if kind == "length" else 0
    return ("all", "source", "length").index(kind), number, name


def _rate(parts: Sequence[tuple[float, float]]) -> float:
    return sum(part for part, _ in parts) / max(1, sum(whole for _, whole in parts))


def _interval(errors: Sequence[tuple[float, float]]) -> dict[str, float]:
    edits, lengths = np.array(errors).T
    rng = np.random.default_rng(0)
    chosen = (rng.integers(len(errors), size=len(errors)) for _ in range(RESAMPLES))
    rates = [edits[texts].sum() / max(1, lengths[texts].sum()) for texts in chosen]
    low, high = np.percentile(rates, (2.5, 97.5))
    return {"cer_low": float(low), "cer_high": float(high)}


def _errors(reference: Sequence[str], prediction: Sequence[str]) -> tuple[float, float]:
    return Levenshtein.distance(reference, prediction), len(reference)


def _folded(form: Literal["NFKC", "NFD"]) -> Part:
    return lambda reference, prediction: _errors(normalize(form, reference), normalize(form, prediction))


RATES: dict[str, Part] = {
    "cer": _errors,
    "cer_no_spaces": lambda reference, prediction: _errors("".join(reference.split()), "".join(prediction.split())),
    "cer_nfkc": _folded("NFKC"),
    "cer_jamo": _folded("NFD"),
    "wer": lambda reference, prediction: _errors(reference.split(), prediction.split()),
    "one_minus_ned": lambda reference, prediction: (Levenshtein.normalized_similarity(reference, prediction), 1),
    "exact": lambda reference, prediction: (float(reference == prediction), 1),
}
"""The rates of `RecognitionScores`, each by its part of one pair of texts in NFC: errors (or hits), and of how many.

Where all references are empty, every inserted unit counts as one whole error.
"""
