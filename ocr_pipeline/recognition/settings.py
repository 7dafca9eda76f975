"""What the user chooses about reading a folder of word pictures (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.models import KOREAN_WORDS
from ocr_pipeline.recognition.interface import Decoding, Loading
from ocr_pipeline.settings import Setting, Settings

DEFAULT_BASE = KOREAN_WORDS


@dataclass(frozen=True, kw_only=True)
class FolderReading(Settings):
    """Step 9 of the guide; ``--flag`` is the field of that name."""

    images_dir: Annotated[Path, Setting("Folder of crops, searched with all its subfolders.", env="DEBUG_IMAGES")]
    output_csv: Annotated[Path, Setting("The CSV to write.")]
    ckpt: Annotated[
        Path | None,
        Setting(
            "Checkpoint of any recognizer, such as checkpoint-N of train-dlora; unset: the base alone.",
            env="TROCR_CKPT",
        ),
    ] = None
    base: Annotated[
        str | None,
        Setting(
            f"Base model; unset: the one the checkpoint was trained on, without a checkpoint {DEFAULT_BASE}.",
            env="TROCR_BASE",
        ),
    ] = None
    device: Annotated[str, device_setting()] = "auto"
    batch_size: Annotated[int, Setting("Crops read at once.", least=1)] = 16
    num_beams: Annotated[int, Setting("1: greedy.", env="TROCR_BEAMS", least=1, most=100)] = 1
    max_len: Annotated[int, Setting("Most tokens of a text, the start included.", env="TROCR_MAX_LEN", least=2)] = 64
    repetition_penalty: Annotated[
        float,
        Setting("Above 1: what was said becomes less likely (harms figures).", env="TROCR_REP_PEN", above=0),
    ] = 1.0
    no_repeat_ngram: Annotated[
        int,
        Setting("No run of so many tokens twice; 0 allows it (3 forbids '학교 학생').", env="TROCR_NO_REPEAT", least=0),
    ] = 0
    length_penalty: Annotated[float, Setting("With beams: above 0 favours longer texts.", env="TROCR_LEN_PEN")] = 1.0
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], Setting("auto is the recognizer's own choice for the device.")
    ] = "auto"
    overwrite: Annotated[bool, Setting("Replace a file at output_csv that an earlier recognize did not make.")] = False
    clean_repeats: Annotated[bool, Setting("Accepted without effect: it turned 10000 into 100.")] = False

    @property
    def loading(self) -> Loading:
        """How the recognizer is made ready."""
        decoding = Decoding(
            self.max_len, self.num_beams, self.repetition_penalty, self.no_repeat_ngram, self.length_penalty
        )
        return Loading(self.device, self.precision, self.base, decoding)
