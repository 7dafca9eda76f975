"""How well words were found and read, by the field's rules."""

from ocr_pipeline.evaluation.detection import DetectionScore, Truth, score_detections
from ocr_pipeline.evaluation.recognition import RecognitionScores, recognition_scores, scores_by_group

__all__ = ["DetectionScore", "RecognitionScores", "Truth", "recognition_scores", "score_detections", "scores_by_group"]
