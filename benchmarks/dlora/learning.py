"""What ways of training make of the tiny Korean base: ``python -m benchmarks.dlora.learning FOLDER [WAY ...]``.

Without names all of them, which takes several minutes; what is measured does not depend on which run together.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.dlora.handwriting import write_handwriting
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora

STEPS = 200
WAYS: dict[str, dict[str, Any]] = {
    "dlora": {"method": "dlora"},
    "dlora-dropout": {"method": "dlora", "lora_dropout": 0.1},
    "lora": {"method": "lora"},
    "dora": {"method": "dora"},
    "full": {"method": "full", "learning_rate": 1e-3},
    "dlora-ffn": {"method": "dlora", "target_modules": "attention+ffn"},
}


def main(folder: Path, *ways: str) -> None:
    torch.set_num_threads(1)
    train, valid = (_data(folder, *which) for which in (("train", 4000, 1), ("valid", 400, 2)))
    sys.stdout.write("| way | learning rate | processor minutes | CER base | CER after | 95 % | exact after |\n")
    for way in ways or WAYS:
        settings = DloraTraining(
            str(TINY_KOREAN),
            str(folder / way),
            per_device_train_batch_size=32,
            per_device_eval_batch_size=32,
            max_steps=STEPS,
            eval_steps=STEPS,
            save_steps=STEPS,
            eval_samples=0,
            warmup_ratio=0.05,
            generation_max_length=40,
            **{"learning_rate": 4e-3, "lora_dropout": 0.0, **WAYS[way]},
        )
        start = time.process_time()
        result = train_dlora(settings, [train], [valid])
        base, after = result.base, result.best
        assert base is not None and after is not None
        sys.stdout.write(
            f"| {way} | {settings.learning_rate:g} | {(time.process_time() - start) / 60:.1f} | {base.cer:.3f} | "
            f"{after.cer:.3f} | {after.cer_low:.3f}-{after.cer_high:.3f} | {after.exact:.3f} |\n"
        )
        sys.stdout.flush()


def _data(folder: Path, name: str, count: int, seed: int) -> Path:
    path = folder / f"{name}.lmdb"
    return path if path.exists() else write_handwriting(path, count, seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
