"""Trainings as their user starts them: the command, in a process of its own, or several by torchrun."""

import os
import subprocess
import sys
import time
from pathlib import Path

SETTINGS = {
    "max_steps": 28,
    "save_steps": 7,
    "eval_steps": 7,
    "logging_steps": 1,
    "eval_samples": 4,
    "per_device_train_batch_size": 4,
    "per_device_eval_batch_size": 4,
    "learning_rate": 5e-3,
    "generation_max_length": 8,
    "lora_rank": 4,
}


def start(base: Path, output: Path, train: list[Path], valid: list[Path], processes: int = 1, **changes: object):
    """A training under way; its log goes to ``output.log``."""
    flags = [f"--{name}={value}" for name, value in {**SETTINGS, **changes}.items()]
    place = ["train-dlora", "--use_cpu", "--model_name_or_path", base, "--output_dir", output]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    program = Path(sys.executable).with_name("ocr-pipeline")
    command = [sys.executable, *(launcher if processes > 1 else []), program, *place, *flags]
    paths = {"LMDB_PATHS": train, "VAL_LMDB_PATHS": valid}
    variables = {name: ":".join(map(str, chosen)) for name, chosen in paths.items()}
    with output.with_suffix(".log").open("a") as log:
        return subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **variables, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(*arguments, **changes) -> None:
    """A training to its end."""
    process = start(*arguments, **changes)
    assert process.wait(timeout=240) == 0, arguments[1].with_suffix(".log").read_text()


def wait_for_step(output: Path, step: int) -> None:
    """Until ``results.csv`` tells of the step."""
    for _ in range(2400):
        table = output / "results.csv"
        rows = table.read_text().splitlines() if table.exists() else []
        if any(row.startswith(f"{step},") for row in rows):
            return
        time.sleep(0.05)
    raise AssertionError(f"step {step} never came: " + output.with_suffix(".log").read_text())
