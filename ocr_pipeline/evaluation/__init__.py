"""How well words were found and read, by the field's rules."""

from ocr_pipeline.evaluation.detection import (
    DetectionScore,
    Matching,
    Truth,
    are_covered,
    match_words,
    score_detections,
)
from ocr_pipeline.evaluation.end_to_end import SpottedWord, is_same_text, score_end_to_end
from ocr_pipeline.evaluation.recognition import RecognitionScores, recognition_scores, scores_by_group, text_parts

__all__ = [
    "DetectionScore",
    "Matching",
    "RecognitionScores",
    "SpottedWord",
    "Truth",
    "are_covered",
    "is_same_text",
    "match_words",
    "recognition_scores",
    "score_detections",
    "score_end_to_end",
    "scores_by_group",
    "text_parts",
]
