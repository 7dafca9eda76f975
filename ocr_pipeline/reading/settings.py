"""What the user chooses about reading pages (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.models import FAST_KOREAN, KOREAN_WORDS
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.files.pictures import MOST_PIXELS


@dataclass(frozen=True, kw_only=True)
class InputLimits(Settings):
    """How large an input may be, and how finely a page of a PDF is drawn."""

    dpi: Annotated[int, Setting("Of the picture that is drawn of a page of a PDF.", least=36, most=1200)] = 200
    most_side: Annotated[int, Setting("Pixels of such a picture's longer side.", least=64)] = 6000
    most_pixels: Annotated[int, Setting("Pictures with more pixels are refused.", least=1)] = MOST_PIXELS
    most_pages: Annotated[int, Setting("Files with more pages are refused.", least=1)] = 1000


@dataclass(frozen=True, kw_only=True)
class PageReading(InputLimits):
    """How pages are read; ``--flag`` is the field of that name."""

    form: Annotated[
        tuple[str, ...],
        Setting(
            "What is printed of each file: txt, pdf (picture and text to search), hocr, alto, drawn, ppocr, aihub; may "
            "be repeated. The record (json) is printed in any case."
        ),
    ] = ("txt",)
    detector: Annotated[Path, Setting("A FAST detector; unset: the one that is shipped.")] = FAST_KOREAN
    recognizer: Annotated[
        str, Setting("Checkpoint of any recognizer, or a base model by its name; unset: the one that is shipped.")
    ] = KOREAN_WORDS
    device: Annotated[str, device_setting()] = "auto"
    batch_size: Annotated[int, Setting("Words read at once.", least=1)] = 32
    layout_model: Annotated[
        str,
        Setting(
            "Layout model whose regions order the words: none, a name (PP-DocLayoutV2), a folder with weights, or a "
            "Hugging Face repository."
        ),
    ] = "none"
