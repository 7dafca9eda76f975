"""OCR 데이터(금융 및 물류) (AI-Hub 71301): filled-in forms; only the filled-in values are labelled."""

from ocr_pipeline.data.datasets.dataset import Dataset, KnownCount
from ocr_pipeline.data.datasets.label_forms import read_corner_label
from ocr_pipeline.data.datasets.usual_forms import usual_corner_label

DATASET = Dataset(
    name="finance_logistics",
    title="OCR 데이터(금융 및 물류)",
    folder="ocr데이터금융",
    splits=("train", "valid"),
    read=read_corner_label("finance_logistics"),
    read_usual=usual_corner_label("finance_logistics"),
    partly_labelled=True,
    known_counts=(KnownCount(("train", "valid"), 50_000 + 107_919),),
)
