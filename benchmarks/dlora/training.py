"""Training samples a second: ours with DoRA against ``Seq2SeqTrainer`` with one LoRA configuration, on one LMDB.

``python -m benchmarks.dlora.training``. The peer is what a tutorial has: the processor on every picture in the
dataset, labels padded to the longest of the batch, LoRA on query, key and value everywhere. Both in float32 on one
thread, no workers, the same batch size; rounds are interleaved, the median of process time counts, start-up does not.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from torch.utils.data import Dataset
from transformers import (
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrOCRProcessor,
    VisionEncoderDecoderModel,
)

from benchmarks.dlora.handwriting import write_handwriting
from ocr_pipeline.annotations import CropReader
from ocr_pipeline.dlora import TINY_KOREAN, DloraTraining, train_dlora

BATCH, WARM, STEPS, ROUNDS = 32, 2, 10, 2


class Clock:
    """CPU seconds between two steps."""

    def __init__(self) -> None:
        self.marks: dict[int, float] = {}

    def mark(self, step: int) -> None:
        self.marks[step] = time.process_time()

    @property
    def samples_per_second(self) -> float:
        return BATCH * (STEPS - WARM) / (self.marks[STEPS] - self.marks[WARM])


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


def hugging_face(data: Path, output: Path) -> float:
    clock = Clock()

    class Marks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.mark(state.global_step)

    processor = TrOCRProcessor.from_pretrained(TINY_KOREAN)
    model = VisionEncoderDecoderModel.from_pretrained(TINY_KOREAN, dtype=torch.float32)
    model.config.decoder_start_token_id, model.config.pad_token_id = 2, 0
    places = ["query", "key", "value", "q_proj", "k_proj", "v_proj"]
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules=places))
    arguments = Seq2SeqTrainingArguments(
        str(output),
        per_device_train_batch_size=BATCH,
        max_steps=STEPS,
        learning_rate=1e-3,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1000,
    )
    Seq2SeqTrainer(
        adapted, arguments, data_collator=collate, train_dataset=Processed(data, processor), callbacks=[Marks()]
    ).train()
    return clock.samples_per_second


def ours(data: Path, output: Path, **changes: Any) -> float:
    clock = Clock()
    settings = DloraTraining(
        str(TINY_KOREAN),
        str(output),
        per_device_train_batch_size=BATCH,
        max_steps=STEPS,
        learning_rate=1e-3,
        save_steps=1000,
        logging_steps=1000,
        use_cpu=True,
        **changes,
    )
    train_dlora(settings, [data], [], on_progress=lambda progress: clock.mark(progress.step))
    return clock.samples_per_second


def main() -> None:
    torch.set_num_threads(1)
    variants: dict[str, Any] = {
        "Seq2SeqTrainer, one LoRA": hugging_face,
        "ours, DLoRA, unsorted": lambda data, out: ours(data, out, group_by_length=False),
        "ours, DLoRA": ours,
        "ours, LoRA in both": lambda data, out: ours(data, out, method="lora"),
        "ours, DLoRA, bf16": lambda data, out: ours(data, out, bf16=True),
    }
    with tempfile.TemporaryDirectory() as work:
        data = write_handwriting(Path(work) / "set.lmdb", 640, 1)
        rates: dict[str, list[float]] = {name: [] for name in variants}
        for number in range(ROUNDS):
            for name, train in variants.items():
                rates[name].append(train(data, Path(work) / f"{number}-{name}"))
    peer = statistics.median(next(iter(rates.values())))
    sys.stdout.write("| | samples per CPU second | x |\n")
    for name, measured in rates.items():
        median = statistics.median(measured)
        sys.stdout.write(f"| {name} | {median:.1f} | {median / peer:.2f} |\n")


if __name__ == "__main__":
    main()
