"""What the user chooses about judging (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.evaluation.calibration import TARGET
from ocr_pipeline.settings import Setting, Settings

CODE_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class Judging(Settings):
    """Who is judged, and on how much; ``--flag`` is the field of that name."""

    contestant: Annotated[
        tuple[str, ...],
        Setting(
            "Who is judged; may be repeated, the others are compared with the first: shipped, champion, before, "
            "reader=DETECTOR,RECOGNIZER, detector=PATH, recognizer=PATH (PP-OCR and ko-trocr too), tesseract, "
            "tesseract=PSM, rapidocr=PYTHON, rapidocr-onnxruntime=PYTHON, craft=PYTHON."
        ),
    ] = ("shipped",)
    most_pages: Annotated[int, Setting("Pages of each source, evenly spread; 0: all.", least=0)] = 200
    examples: Annotated[int, Setting("Crops shown of each kind of error.", least=0)] = 20
    target: Annotated[
        float, Setting("Share of right words that is asked of those that need no look.", above=0, below=1)
    ] = TARGET
    device: Annotated[str, device_setting()] = "auto"
    batch_size: Annotated[int, Setting("Words read at once.", least=1)] = 32
