"""Training samples a second: ours with DoRA against ``Seq2SeqTrainer`` with one LoRA configuration, on one LMDB.

``python -m benchmarks.dlora.training [large]``. The peer is what a tutorial has: the processor on every picture in the
dataset, labels padded to the longest of the batch, LoRA on query, key and value everywhere, the fused AdamW that is
the Trainer's default. All in float32 on one thread, with the same batch size and dropout, without workers. They take
turns of few steps; a ratio is that of two turns of one round, and the table has the median of all rounds (quartiles in
brackets). ``large`` takes a model with the widths of ko-trocr (768, pictures of 384 x 384 in 577 patches, 16424 tokens)
and two layers in each half, with random weights.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
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
from benchmarks.dlora.turns import StepEnded, Turns, ratios, take_turns
from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.demo.tiny_model import save_tiny, tiny_processor
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora
from ocr_pipeline.recognition.pretraining.tokenizer import END, PAD, START

WARM = 3


class Plan(NamedTuple):
    """What all of them train on, in blocks of so many steps."""

    base: Path
    data: Path
    batch: int
    steps: int
    rounds: int

    @property
    def all_steps(self) -> int:
        return WARM + self.steps * self.rounds


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


def hugging_face(plan: Plan, output: Path, step_ended: StepEnded, dropout: float = 0.1) -> None:
    class Marks(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            step_ended()

    processor = TrOCRProcessor.from_pretrained(plan.base)
    model = VisionEncoderDecoderModel.from_pretrained(plan.base, dtype=torch.float32)
    model.config.decoder_start_token_id, model.config.pad_token_id = START, PAD
    places = ["query", "key", "value", "q_proj", "k_proj", "v_proj"]
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=dropout, target_modules=places))
    arguments = Seq2SeqTrainingArguments(
        str(output),
        per_device_train_batch_size=plan.batch,
        max_steps=plan.all_steps,
        learning_rate=1e-3,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1000,
    )
    dataset = Processed(plan.data, processor)
    Seq2SeqTrainer(adapted, arguments, data_collator=collate, train_dataset=dataset, callbacks=[Marks()]).train()


def ours(plan: Plan, output: Path, step_ended: StepEnded, dropout: float = 0.1, **changes: Any) -> None:
    settings = DloraTraining(
        str(plan.base),
        str(output),
        per_device_train_batch_size=plan.batch,
        lora_dropout=dropout,
        max_steps=plan.all_steps,
        learning_rate=1e-3,
        save_steps=1000,
        logging_steps=1000,
        use_cpu=True,
        **changes,
    )
    train_dlora(settings, [plan.data], [], on_progress=lambda _: step_ended())


def save_large(folder: Path) -> Path:
    """A model with random weights that is as wide as ko-trocr, and a sixth as deep."""
    side, shared = 384, {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    encoder = ViTConfig(image_size=side, patch_size=16, num_hidden_layers=2, **shared)
    decoder = BertConfig(vocab_size=16424, num_hidden_layers=2, is_decoder=True, add_cross_attention=True, **shared)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = START, END, PAD
    save_tiny(folder, VisionEncoderDecoderModel(config), tiny_processor((side, side)))
    return folder


VARIANTS: dict[str, tuple[str, Callable[..., None], dict[str, Any]]] = {
    "Seq2SeqTrainer, one LoRA": ("", hugging_face, {}),
    "ours, DLoRA": ("Seq2SeqTrainer, one LoRA", ours, {}),
    "ours, DLoRA, not sorted by length": ("Seq2SeqTrainer, one LoRA", ours, {"group_by_length": False}),
    "ours, LoRA in both": ("Seq2SeqTrainer, one LoRA", ours, {"method": "lora"}),
    "Seq2SeqTrainer, without dropout": ("", hugging_face, {"dropout": 0.0}),
    "ours, DLoRA, without dropout": ("Seq2SeqTrainer, without dropout", ours, {"dropout": 0.0}),
}
"""Name -> the peer, if it is not one itself; the training; its settings."""
OF_LARGE = ("Seq2SeqTrainer, one LoRA", "ours, DLoRA")


def main(size: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        data = write_handwriting(Path(work) / "set.lmdb", 640, 1)
        if size == "large":
            large = Plan(save_large(Path(work) / "large"), data, batch=4, steps=1, rounds=12)
            compare({name: VARIANTS[name] for name in OF_LARGE}, large, Path(work))
        else:
            compare(VARIANTS, Plan(TINY_KOREAN, data, batch=32, steps=3, rounds=12), Path(work))


def compare(variants: dict[str, Any], plan: Plan, work: Path) -> None:
    trainings = {
        name: Turns(partial(train, plan, work / name, **settings)) for name, (_, train, settings) in variants.items()
    }
    costs = take_turns(trainings, warm=WARM, steps=plan.steps, rounds=plan.rounds)
    sys.stdout.write("| | samples a second | x by the clock | x by processor time |\n| --- | --- | --- | --- |\n")
    for name, (peer, _, _) in variants.items():
        speed = plan.batch * plan.steps / statistics.median(cost.clock for cost in costs[name])
        clock, processor = ratios(costs[name], costs[peer or name])
        sys.stdout.write(f"| {name} | {speed:.1f} | {clock} | {processor} |\n")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["tiny"])
