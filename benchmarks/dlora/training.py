"""Training samples a second: ours with DoRA against ``Seq2SeqTrainer`` with one LoRA configuration, on one LMDB.

``python -m benchmarks.dlora.training [large]``. The peer is what a tutorial has: the processor on every picture in the
dataset, labels padded to the longest of the batch, LoRA on query, key and value everywhere, the fused AdamW that is
the Trainer's default. Both in float32 on one thread, with the same batch size, dropout and number of workers; rounds
are interleaved, the median by the clock counts, start-up does not. ``large`` takes a model with the widths of ko-trocr
(768, pictures of 384 x 384 in 577 patches, 16424 tokens) and two layers in each half, with random weights.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from torch.utils.data import Dataset
from transformers import (
    BertConfig,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrOCRProcessor,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
)

from benchmarks.dlora.handwriting import write_handwriting
from ocr_pipeline.annotations import CropReader
from ocr_pipeline.dlora import TINY_KOREAN, DloraTraining, train_dlora
from ocr_pipeline.dlora.tiny_model import END, PAD, START, save_tiny, tiny_processor

WARM = 2


class Plan(NamedTuple):
    """What both sides train on, and for how long."""

    base: Path
    data: Path
    batch: int
    steps: int


class Clock:
    """Seconds between two steps."""

    def __init__(self) -> None:
        self.marks: dict[int, float] = {}

    def mark(self, step: int) -> None:
        self.marks[step] = time.perf_counter()

    def samples_per_second(self, plan: Plan) -> float:
        return plan.batch * (plan.steps - WARM) / (self.marks[plan.steps] - self.marks[WARM])


class Processed(Dataset):
    """Crops as the processor makes them: floats, one picture at a time."""

    def __init__(self, path: Path, processor: Any) -> None:
        self.reader, self.processor = CropReader(path), processor

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, index: int) -> dict[str, Any]:
        crop = self.reader.read(index)
        pixels = self.processor(Image.open(io.BytesIO(crop.image)).convert("RGB"), return_tensors="pt").pixel_values[0]
        return {"pixel_values": pixels, "labels": self.processor.tokenizer(crop.text).input_ids}


def collate(samples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    labels = [torch.tensor(sample["labels"]) for sample in samples]
    padded = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
    return {"pixel_values": torch.stack([sample["pixel_values"] for sample in samples]), "labels": padded}


def hugging_face(plan: Plan, output: Path, dropout: float = 0.1, workers: int = 0) -> float:
    clock = Clock()

    class Marks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.mark(state.global_step)

    processor = TrOCRProcessor.from_pretrained(plan.base)
    model = VisionEncoderDecoderModel.from_pretrained(plan.base, dtype=torch.float32)
    model.config.decoder_start_token_id, model.config.pad_token_id = START, PAD
    places = ["query", "key", "value", "q_proj", "k_proj", "v_proj"]
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=dropout, target_modules=places))
    arguments = Seq2SeqTrainingArguments(
        str(output),
        per_device_train_batch_size=plan.batch,
        dataloader_num_workers=workers,
        max_steps=plan.steps,
        learning_rate=1e-3,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1000,
    )
    dataset = Processed(plan.data, processor)
    Seq2SeqTrainer(adapted, arguments, data_collator=collate, train_dataset=dataset, callbacks=[Marks()]).train()
    return clock.samples_per_second(plan)


def ours(plan: Plan, output: Path, dropout: float = 0.1, workers: int = 0, **changes: Any) -> float:
    clock = Clock()
    settings = DloraTraining(
        str(plan.base),
        str(output),
        per_device_train_batch_size=plan.batch,
        dataloader_num_workers=workers,
        lora_dropout=dropout,
        max_steps=plan.steps,
        learning_rate=1e-3,
        save_steps=1000,
        logging_steps=1000,
        use_cpu=True,
        **changes,
    )
    train_dlora(settings, [plan.data], [], on_progress=lambda progress: clock.mark(progress.step))
    return clock.samples_per_second(plan)


def save_large(folder: Path) -> Path:
    """A model with random weights that is as wide as ko-trocr, and a sixth as deep."""
    side, shared = 384, {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    encoder = ViTConfig(image_size=side, patch_size=16, num_hidden_layers=2, **shared)
    decoder = BertConfig(vocab_size=16424, num_hidden_layers=2, is_decoder=True, add_cross_attention=True, **shared)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = START, END, PAD
    save_tiny(folder, VisionEncoderDecoderModel(config), tiny_processor((side, side)))
    return folder


TINY: dict[str, tuple[str, Callable[..., float], dict[str, Any]]] = {
    "Seq2SeqTrainer, one LoRA": ("", hugging_face, {}),
    "ours, DLoRA": ("Seq2SeqTrainer, one LoRA", ours, {}),
    "ours, DLoRA, not sorted by length": ("Seq2SeqTrainer, one LoRA", ours, {"group_by_length": False}),
    "ours, LoRA in both": ("Seq2SeqTrainer, one LoRA", ours, {"method": "lora"}),
    "Seq2SeqTrainer, without dropout": ("", hugging_face, {"dropout": 0.0}),
    "ours, DLoRA, without dropout": ("Seq2SeqTrainer, without dropout", ours, {"dropout": 0.0}),
    "Seq2SeqTrainer, a worker": ("", hugging_face, {"workers": 1}),
    "ours, DLoRA, a worker": ("Seq2SeqTrainer, a worker", ours, {"workers": 1}),
}
"""Name -> the peer, if it is not one itself; the training; its settings."""
LARGE = {name: TINY[name] for name in list(TINY)[:2]}


def main(size: str) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        data = write_handwriting(Path(work) / "set.lmdb", 640, 1)
        if size == "large":
            compare(LARGE, Plan(save_large(Path(work) / "large"), data, batch=4, steps=8), Path(work), rounds=2)
        else:
            compare(TINY, Plan(TINY_KOREAN, data, batch=32, steps=14), Path(work), rounds=3)


def compare(variants: dict[str, Any], plan: Plan, work: Path, rounds: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, (_, train, settings) in variants.items():
            rates[name].append(train(plan, work / f"{number}-{name}", **settings))
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    sys.stdout.write("| | samples a second | x |\n| --- | --- | --- |\n")
    for name, (peer, _, _) in variants.items():
        sys.stdout.write(f"| {name} | {medians[name]:.1f} | {medians[name] / medians[peer or name]:.2f} |\n")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["tiny"])
