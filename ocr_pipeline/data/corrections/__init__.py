"""What people said of labels, kept apart from them: an overlay over each partition, which merged_json applies."""

from ocr_pipeline.data.corrections.applying import NONE, Corrections, apply_corrections, in_force
from ocr_pipeline.data.corrections.forgetting import forgotten, mark_forgotten
from ocr_pipeline.data.corrections.overlay import corrections_effect, read_corrections, read_overlay, write_overlay
from ocr_pipeline.data.corrections.record import ACTIONS, NEVER, WHOLE_PAGE, Action, Correction

__all__ = [
    "ACTIONS",
    "NEVER",
    "NONE",
    "WHOLE_PAGE",
    "Action",
    "Correction",
    "Corrections",
    "apply_corrections",
    "corrections_effect",
    "forgotten",
    "in_force",
    "mark_forgotten",
    "read_corrections",
    "read_overlay",
    "write_overlay",
]
