"""PP-OCRv5's text line recognizer as a second opinion on the same crops: a small CTC model (Paddle team, 2025).

Transformers has the architecture (``pp_ocrv5_mobile_rec``, ``pp_ocrv5_server_rec``); nothing of Paddle is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, PPOCRV5MobileRecForTextRecognition, PPOCRV5ServerRecForTextRecognition
from transformers.utils.logging import disable_progress_bar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models.sizes import demand_sizes
from ocr_pipeline.page import nfc
from ocr_pipeline.recognition.interface import GREEDY, Loading, Reading
from ocr_pipeline.recognition.pretrained import architecture, model_fingerprint
from ocr_pipeline.storage.files.given_pictures import GivenPicture, rgb_pixels
from ocr_pipeline.training.device import chosen_device

HEIGHT, MIN_WIDTH, MAX_WIDTH = 48, 320, 3200
BLANK = 0
_CLASSES: dict[str, Any] = {
    "pp_ocrv5_mobile_rec": PPOCRV5MobileRecForTextRecognition,
    "pp_ocrv5_server_rec": PPOCRV5ServerRecForTextRecognition,
}


CHECKPOINT = "a PP-OCRv5 recognizer (config.json, model.safetensors, preprocessor_config.json)"


def owns(path: str | Path) -> bool:
    """Whether a PP-OCRv5 recognizer lies there."""
    return architecture(Path(path)) in _CLASSES


def load(path: str | Path, how: Loading) -> PpOcrRecognizer:
    """The model of a folder; it reads letter by letter in float32, and generates nothing.

    Raises:
        PipelineError: it cannot be loaded; ``how`` asks for what it has not.
    """
    if how.decoding != GREEDY or how.precision not in ("auto", "float32"):
        raise PipelineError(
            "PP-OCRv5 reads greedily in float32: it has no beams, no limits, no penalties and no other precision",
            where=path,
            remedy="Leave these options out (and the variables TROCR_BEAMS, TROCR_MAX_LEN, TROCR_REP_PEN, "
            "TROCR_NO_REPEAT and TROCR_LEN_PEN unset).",
        )
    return PpOcrRecognizer(path, device=how.device)


class PpOcrRecognizer:
    """Reads crops with a PP-OCRv5 recognizer; confidence is the mean of the letters' probabilities.

    Args:
        folder: a Hugging Face folder with config.json, model.safetensors and preprocessor_config.json, which holds the
            characters.
        device: auto, cpu, gpu (= cuda) or cuda:1.

    Raises:
        PipelineError: there is no such model, and the message says what to download; or no such device.
    """

    DOWNLOAD = "hf download PaddlePaddle/korean_PP-OCRv5_mobile_rec_safetensors --local-dir ppocr_korean"

    def __init__(self, folder: str | Path, *, device: str = "cpu") -> None:
        place = Path(folder)
        demand_sizes(place)
        disable_progress_bar()
        try:
            settings = json.loads((place / "preprocessor_config.json").read_text(encoding="utf-8"))
            kind = _CLASSES[AutoConfig.from_pretrained(place, trust_remote_code=False).model_type]
            model = kind.from_pretrained(place, trust_remote_code=False).eval()
            self.characters: list[str] = list(settings["character_list"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise PipelineError(
                f"there is no PP-OCRv5 recognizer here ({str(error).splitlines()[0]})",
                where=folder,
                remedy=f"Download one and give its folder: {self.DOWNLOAD}",
            ) from error
        self.model = model.to(chosen_device(device))

    @property
    def fingerprint(self) -> str:
        return model_fingerprint(self.model, self.characters)

    @torch.inference_mode()
    def read_crops(self, crops: Sequence[GivenPicture]) -> list[Reading]:
        """The texts of crops of any size: paths, bytes of files, PIL images, or uint8 [H, W] grey, [H, W, 3] RGB or
        [H, W, 4] RGBA.

        Raises:
            PipelineError: one of them is none of these.
        """
        if not len(crops):
            return []
        pixels = batched([rgb_pixels(crop) for crop in crops])
        probabilities = self.model(pixel_values=pixels.to(self.model.device)).last_hidden_state.float().cpu()
        return [self._decoded(*steps.max(-1)) for steps in probabilities]

    def _decoded(self, probabilities: Tensor, letters: Tensor) -> Reading:
        """Greedy CTC: of each run of the same letter one stays, blanks go (Graves et al. 2006)."""
        keep = letters != BLANK
        keep[1:] &= letters[1:] != letters[:-1]
        text = "".join(self.characters[letter] for letter in letters[keep].tolist())
        return Reading(nfc(text), float(probabilities[keep].mean()) if keep.any() else 0.0)


def batched(crops: Sequence[np.ndarray]) -> Tensor:
    """Crops at 48 pixels of height in -1..1, aspect ratio kept, padded with 0 on the right [B, 3, 48, width]."""
    resized = [_resized(crop) for crop in crops]
    width = max(MIN_WIDTH, *(pixels.shape[1] for pixels in resized))
    batch = torch.zeros(len(crops), 3, HEIGHT, width)
    for row, pixels in zip(batch, resized, strict=True):
        row[..., : pixels.shape[1]] = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
    return batch


def _resized(rgb: np.ndarray) -> np.ndarray:
    width = min(MAX_WIDTH, max(1, -(-HEIGHT * rgb.shape[1] // rgb.shape[0])))
    return np.array(Image.fromarray(rgb).resize((width, HEIGHT), Image.Resampling.BILINEAR))
