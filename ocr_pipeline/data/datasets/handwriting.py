"""대용량 손글씨 OCR 데이터 (AI-Hub 605): handwriting on forms and blank sheets; only the handwriting is labelled."""

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount
from ocr_pipeline.data.datasets.label_forms import read_corner_label
from ocr_pipeline.data.datasets.usual_forms import usual_corner_label

DATASET = Dataset(
    name="handwriting",
    title="대용량 손글씨 OCR 데이터",
    folder="대용량손글씨ocr",
    splits=("train", "valid"),
    read=read_corner_label("handwriting"),
    read_usual=usual_corner_label("handwriting"),
    partly_labelled=True,
    known_counts=(KnownCount(("train",), 96_019), KnownCount(("valid",), 10_500)),
)
