"""Pre-trains the tiny base model that the demo adapts; ``python -m ocr_pipeline.demo.tiny_base FOLDER``.

It learns clean print in the sans typeface only: what it lacks, handwriting above all, is for adapters to learn. The
result of one run stands in ``tiny_korean``.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from ocr_pipeline.data.synthetic import KoreanWords, render_word
from ocr_pipeline.data.synthetic.texts import COMMON
from ocr_pipeline.demo.tiny_model import HIDDEN, save_tiny, tiny_model, tiny_processor
from ocr_pipeline.recognition.images import ImageFormat
from ocr_pipeline.recognition.pretraining.network import ctc_loss
from ocr_pipeline.recognition.text import TextCodec

logger = logging.getLogger(__name__)

STEPS, BATCH, LEARNING_RATE, WARM_UP, SAVE_EVERY = 11_000, 32, 1e-3, 300, 1000
CTC_SHARE = 0.5

Sample = tuple[np.ndarray, list[int]]


class CleanPrint(IterableDataset[Sample]):
    """Endless printed words, each as (uint8 [height, width, 3], token ids)."""

    def __init__(self, codec: TextCodec, images: ImageFormat, seed: int) -> None:
        self.codec, self.images, self.seed = codec, images, seed

    def __iter__(self) -> Iterator[Sample]:
        rng = np.random.default_rng(self.seed)
        words = KoreanWords(rng)
        while True:
            text = _text(words, rng)
            crop = render_word(text, font="sans", height=int(rng.integers(14, 44)), rng=rng, style="print")
            yield self.images.resize(crop), self.codec.encode(text)


def _text(words: KoreanWords, rng: np.random.Generator) -> str:
    """Real words, so that the decoder learns them, and random ones, so that the encoder learns every glyph."""
    sets = (words.administration, words.finance, words.logistics, words.sign, words.goods, words.handwriting)
    kind, length = rng.random(), int(rng.integers(1, 6))
    if kind < 0.47:
        return sets[int(rng.integers(len(sets)))]()
    if kind < 0.5:
        return f"{words.administration()} {words.goods()}"
    if kind < 0.65:
        return words.nonsense()
    if kind < 0.92:
        return "".join(COMMON[int(rng.integers(len(COMMON)))] for _ in range(length))
    return "".join(chr(int(rng.integers(0x21, 0x7F))) for _ in range(length + 1))


def collate(samples: list[Sample]) -> tuple[Tensor, Tensor]:
    """Pixels in -1..1 [batch, 3, height, width] and labels [batch, tokens], padded with -100."""
    pixels = torch.from_numpy(np.stack([pixels for pixels, _ in samples])).permute(0, 3, 1, 2)
    labels = [torch.tensor(tokens) for _, tokens in samples]
    return pixels / 127.5 - 1, nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)


def pretrain(folder: Path, steps: int = STEPS, seed: int = 0) -> None:
    """Pre-train a new tiny model and save it, with its processor, to ``folder``; about 40 minutes on one core."""
    torch.manual_seed(seed)
    processor = tiny_processor()
    codec, images = TextCodec(processor.tokenizer), ImageFormat.of(processor.image_processor)
    model = tiny_model(len(processor.tokenizer))
    columns = nn.Linear(HIDDEN, len(processor.tokenizer))
    weights = [*model.parameters(), *columns.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / steps)))
    )
    batches = DataLoader(CleanPrint(codec, images, seed), BATCH, num_workers=1, collate_fn=collate)
    model.train()
    for step, (pixels, labels) in zip(range(1, steps + 1), batches, strict=False):
        with torch.autocast("cpu", torch.bfloat16):
            seen = model.encoder(pixel_values=pixels).last_hidden_state
            loss = model(encoder_outputs=(seen,), labels=labels).loss
            by_column = ctc_loss(columns(seen[:, 1:]), labels)
        (loss + CTC_SHARE * by_column).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            logger.info("step %d: loss %.3f, by column %.3f", step, loss.item(), by_column.item())
        if step % SAVE_EVERY == 0 or step == steps:
            save_tiny(folder, model, processor)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    pretrain(Path(sys.argv[1]))
