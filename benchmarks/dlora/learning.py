"""What each way of training makes of the tiny Korean base: ``python -m benchmarks.dlora.learning FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from benchmarks.dlora.handwriting import write_handwriting
from ocr_pipeline.dlora import TINY_KOREAN, DloraTraining, train_dlora

STEPS = 200
METHODS = (
    ("dlora", "attention", 4e-3),
    ("lora", "attention", 4e-3),
    ("dora", "attention", 4e-3),
    ("full", "attention", 1e-3),
    ("dlora", "attention+ffn", 4e-3),
)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    train, valid = write_handwriting(folder / "train.lmdb", 4000, 1), write_handwriting(folder / "valid.lmdb", 400, 2)
    sys.stdout.write("| method | targets | learning rate | minutes | CER base | CER after | 95 % | exact after |\n")
    for method, targets, rate in METHODS:
        settings = DloraTraining(
            str(TINY_KOREAN),
            str(folder / f"{method}-{targets}"),
            method=method,
            target_modules=targets,
            learning_rate=rate,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=32,
            max_steps=STEPS,
            eval_steps=STEPS,
            save_steps=STEPS,
            eval_samples=0,
            warmup_ratio=0.05,
            lora_dropout=0.0,
            generation_max_length=40,
        )
        start = time.perf_counter()
        result = train_dlora(settings, [train], [valid])
        base, after = result.base, result.best
        assert base is not None and after is not None
        sys.stdout.write(
            f"| {method} | {targets} | {rate:g} | {(time.perf_counter() - start) / 60:.1f} | {base.cer:.3f} | "
            f"{after.cer:.3f} | {after.cer_low:.3f}-{after.cer_high:.3f} | {after.exact:.3f} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
