"""Recognition data in a handwriting style and a typeface that the tiny base has not seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ocr_pipeline.data.synthetic import KoreanWords, render_word
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter


def write_handwriting(folder: Path, count: int, seed: int) -> Path:
    """An LMDB of ``count`` handwritten-looking words in the serif typeface, as the annotations stage writes them."""
    rng = np.random.default_rng(seed)
    words = KoreanWords(rng)
    kinds = (words.administration, words.sign, words.finance, words.goods, words.handwriting)
    with LmdbWriter(folder) as writer:
        for number in range(1, count + 1):
            text = kinds[number % len(kinds)]()
            crop = render_word(text, font="serif", height=int(rng.integers(20, 40)), rng=rng, style="handwriting")
            encoded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
            writer.put(f"image-{number:09d}", encoded.tobytes())
            writer.put(f"label-{number:09d}", text.encode())
        writer.put("num-samples", str(count).encode())
    return folder
