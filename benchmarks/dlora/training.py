"""Training samples a second: ours with DoRA against ``Seq2SeqTrainer`` with one LoRA configuration, on one LMDB.

``python -m benchmarks.dlora.training [large]``. The peer is what a tutorial has: the processor on every picture in the
dataset, labels padded to the longest of the batch, LoRA on query, key and value everywhere, the fused AdamW that is
the Trainer's default. Both in float32 on one thread, with the same batch size and dropout, without workers; rounds
are interleaved, medians count, start-up does not. ``large`` takes a model with the widths of ko-trocr
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


class Rates(NamedTuple):
    """Samples a second: by the clock, and of this process's processor time."""

    clock: float
    processor: float


class Clock:
    """When each step ended."""

    def __init__(self) -> None:
        self.marks: dict[int, tuple[float, float]] = {}

    def mark(self, step: int) -> None:
        self.marks[step] = time.perf_counter(), time.process_time()

    def rates(self, plan: Plan) -> Rates:
        samples, begun, ended = plan.batch * (plan.steps - WARM), self.marks[WARM], self.marks[plan.steps]
        return Rates(*(samples / (end - begin) for begin, end in zip(begun, ended, strict=True)))


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


def hugging_face(plan: Plan, output: Path, dropout: float = 0.1) -> Rates:
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
    return clock.rates(plan)


def ours(plan: Plan, output: Path, dropout: float = 0.1, **changes: Any) -> Rates:
    clock = Clock()
    settings = DloraTraining(
        str(plan.base),
        str(output),
        per_device_train_batch_size=plan.batch,
        lora_dropout=dropout,
        max_steps=plan.steps,
        learning_rate=1e-3,
        save_steps=1000,
        logging_steps=1000,
        use_cpu=True,
        **changes,
    )
    train_dlora(settings, [plan.data], [], on_progress=lambda progress: clock.mark(progress.step))
    return clock.rates(plan)


def save_large(folder: Path) -> Path:
    """A model with random weights that is as wide as ko-trocr, and a sixth as deep."""
    side, shared = 384, {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    encoder = ViTConfig(image_size=side, patch_size=16, num_hidden_layers=2, **shared)
    decoder = BertConfig(vocab_size=16424, num_hidden_layers=2, is_decoder=True, add_cross_attention=True, **shared)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = START, END, PAD
    save_tiny(folder, VisionEncoderDecoderModel(config), tiny_processor((side, side)))
    return folder


TINY: dict[str, tuple[str, Callable[..., Rates], dict[str, Any]]] = {
    "Seq2SeqTrainer, one LoRA": ("", hugging_face, {}),
    "ours, DLoRA": ("Seq2SeqTrainer, one LoRA", ours, {}),
    "ours, DLoRA, not sorted by length": ("Seq2SeqTrainer, one LoRA", ours, {"group_by_length": False}),
    "ours, LoRA in both": ("Seq2SeqTrainer, one LoRA", ours, {"method": "lora"}),
    "Seq2SeqTrainer, without dropout": ("", hugging_face, {"dropout": 0.0}),
    "ours, DLoRA, without dropout": ("Seq2SeqTrainer, without dropout", ours, {"dropout": 0.0}),
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
            compare(TINY, Plan(TINY_KOREAN, data, batch=32, steps=12), Path(work), rounds=3)


def compare(variants: dict[str, Any], plan: Plan, work: Path, rounds: int) -> None:
    rates: dict[str, list[Rates]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, (_, train, settings) in variants.items():
            rates[name].append(train(plan, work / f"{number}-{name}", **settings))
    medians = {name: Rates(*map(statistics.median, zip(*found, strict=True))) for name, found in rates.items()}
    sys.stdout.write("| | samples a second | x by the clock | x by processor time |\n| --- | --- | --- | --- |\n")
    for name, (peer, _, _) in variants.items():
        own, other = medians[name], medians[peer or name]
        ratios = (f"{a / b:.2f}" for a, b in zip(own, other, strict=True))
        sys.stdout.write(f"| {name} | {own.clock:.1f} | {' | '.join(ratios)} |\n")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["tiny"])
