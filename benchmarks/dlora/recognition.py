"""Reading a folder: ours against the loop of the model card; ``python -m benchmarks.dlora.recognition``.

The peer opens a picture, calls the processor and ``generate`` on it, greedily and with the KV cache, and decodes; both
read the same files with the same weights (the tiny Korean base). Each row adds one part to the row before, but where it
says otherwise. Rounds are interleaved, the median by the clock counts, and texts are compared with the peer's.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import TrOCRProcessor, VisionEncoderDecoderModel

from ocr_pipeline.data.synthetic import KoreanWords, render_word
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.page import nfc
from ocr_pipeline.recognition import Decoding, Loading
from ocr_pipeline.recognition.dlora import Recognizer, load
from ocr_pipeline.recognition.dlora.adapters import add_adapters
from ocr_pipeline.recognition.dlora.recognizer import load_base
from ocr_pipeline.recognition.images import decode_rgb

COUNT, BATCH, ROUNDS, LONGEST = 64, 16, 3, 40

Read = Callable[[Sequence[Path]], list[str]]


def write_pictures(folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(7)
    words = KoreanWords(rng)
    kinds = (words.administration, words.finance, words.sign, words.goods)
    paths = [folder / f"{number:04}.png" for number in range(count)]
    for number, path in enumerate(paths):
        text = " ".join(kinds[int(rng.integers(4))]() for _ in range(1 + number % 2))
        Image.fromarray(render_word(text, font="sans", height=int(rng.integers(18, 40)), rng=rng)).save(path)
    return paths


def model_card_loop(folder: Path) -> Read:
    processor = TrOCRProcessor.from_pretrained(folder)
    hub: Any = VisionEncoderDecoderModel
    model = hub.from_pretrained(folder, dtype=torch.float32).eval()

    def read(paths: Sequence[Path]) -> list[str]:
        texts = []
        for path in paths:
            pixels = processor(Image.open(path).convert("RGB"), return_tensors="pt").pixel_values
            with torch.no_grad():
                tokens = model.generate(pixels, max_length=LONGEST, num_beams=1)
            texts.append(nfc(processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)[0]))
        return texts

    return read


def batches(recognizer: Recognizer, batch: int, *, by_width: bool) -> Read:
    def read(paths: Sequence[Path]) -> list[str]:
        with ThreadPoolExecutor() as pool:
            pictures = list(pool.map(lambda path: decode_rgb(path.read_bytes()), paths))
        order = list(range(len(paths)))
        if by_width:
            order.sort(key=lambda index: pictures[index].shape[1] / pictures[index].shape[0])
        texts = [""] * len(paths)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            for index, reading in zip(chosen, recognizer.read_crops([pictures[i] for i in chosen]), strict=True):
                texts[index] = reading.text
        return texts

    return read


def without_cache(recognizer: Recognizer) -> Recognizer:
    recognizer._generation.use_cache = False
    return recognizer


def with_adapters(method: str) -> Recognizer:
    """The base with new adapters around its layers, which say nothing yet: the price of not merging them."""
    base = load_base(TINY_KOREAN)
    adapted = add_adapters(base.model, rank=16, alpha=32, dropout=0.0, method=method).eval()
    return Recognizer(base, adapted, Decoding(longest=LONGEST))


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        paths = write_pictures(Path(work), COUNT)

        def reader(precision: str = "float32") -> Recognizer:
            return load(TINY_KOREAN, Loading(precision=precision, decoding=Decoding(longest=LONGEST)))

        variants = {
            "loop of the model card": model_card_loop(TINY_KOREAN),
            "resized on bytes, normalised as a batch (batch 1)": batches(reader(), 1, by_width=False),
            f"+ batches of {BATCH}": batches(reader(), BATCH, by_width=False),
            "+ sorted by width": batches(reader(), BATCH, by_width=True),
            "the same without KV cache": batches(without_cache(reader()), BATCH, by_width=True),
            "the same with DLoRA not merged": batches(with_adapters("dlora"), BATCH, by_width=True),
            "the same with DoRA in both, not merged": batches(with_adapters("dora"), BATCH, by_width=True),
            "the same in bfloat16": batches(reader("bfloat16"), BATCH, by_width=True),
        }
        report(variants, paths)


def report(variants: dict[str, Read], paths: Sequence[Path]) -> None:
    times: dict[str, list[float]] = {name: [] for name in variants}
    texts: dict[str, list[str]] = {}
    for _ in range(ROUNDS):
        for name, read in variants.items():
            start = time.perf_counter()
            texts[name] = read(paths)
            times[name].append(time.perf_counter() - start)
    peer, *_ = variants
    base = statistics.median(times[peer])
    sys.stdout.write("| | crops a second | x | same texts |\n")
    for name, taken in times.items():
        median = statistics.median(taken)
        same = sum(a == b for a, b in zip(texts[name], texts[peer], strict=True))
        sys.stdout.write(f"| {name} | {len(paths) / median:.1f} | {base / median:.2f} | {same}/{len(paths)} |\n")


if __name__ == "__main__":
    main()
