"""Korean drawn to order (`data/synthetic/source.py`): pages, and single words each on a picture of its own."""

from ocr_pipeline.data.datasets.dataset import Dataset
from ocr_pipeline.data.datasets.label_forms import read_corner_label
from ocr_pipeline.data.datasets.usual_forms import usual_corner_label
from ocr_pipeline.page import Page

WORD = "word_"
"""How the name of a picture begins that holds a single word."""


def _is_whole_page(page: Page) -> bool:
    return not page.image.startswith(WORD)


DATASET = Dataset(
    name="synthetic",
    title="Synthetic Korean",
    folder="synthetic",
    splits=("train", "valid"),
    read=read_corner_label("synthetic"),
    read_usual=usual_corner_label("synthetic"),
    is_whole_page=_is_whole_page,
    is_drawn=True,
)
