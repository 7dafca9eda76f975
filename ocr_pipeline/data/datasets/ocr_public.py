"""OCR 데이터(공공) (AI-Hub 71299): scans of public documents, every word labelled."""

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount
from ocr_pipeline.data.datasets.label_forms import read_corner_label
from ocr_pipeline.data.datasets.usual_forms import usual_corner_label

DATASET = Dataset(
    name="ocr_public",
    title="OCR 데이터(공공)",
    folder="ocr데이터공공",
    splits=("train", "valid"),
    read=read_corner_label("ocr_public"),
    read_usual=usual_corner_label("ocr_public"),
    known_counts=(KnownCount(("train",), 489_681), KnownCount(("valid",), 64_228)),
)
