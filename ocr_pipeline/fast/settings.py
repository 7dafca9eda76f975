"""Settings and results of a training and of a prediction; the fields are the guide's flags (no torch here)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.config import FastConfig, config_from, read_config

CODE_VERSION = "3"
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastTraining:
    """How to train; ``--flag`` is the field of that name. A step is one update of the weights.

    Attributes:
        config: ``.yaml`` or published ``.py`` configuration of the detector, or the name of a shipped one:
            base_736.yaml, tiny_736.yaml, korean_736.yaml (with changes as of Korean documents and photos).
        lmdb_base: folder of the ``*_layout.lmdb``, for callers that let the stage find them.
        output_dir: takes checkpoints, ``results.csv`` and the best detector.
        checkpoint: weights to start from, in any layout of FAST.
        resume: a checkpoint of this pipeline to go on from, exactly; ``auto`` takes the newest in ``output_dir``.
        ga_steps: batches whose gradients are summed up to one step.
        save_every_steps: 0 to save at the end of each epoch only; val_every_steps: 0 to validate there only.
        val_max_samples: pages to validate on, spread evenly; all if None.
        keep_checkpoints: how many of the newest checkpoints stay; the best one always does.
        num_threads: CPU threads of torch; None leaves them as they are. On shared cores 1 is often the fastest.
        amp: mixed precision (float16 on CUDA, bfloat16 on the CPU).
        max_skips: steps that may be left out because their loss is not finite, before the training gives up.
        patience: validations without a better hmean after which the training ends; 0 for never.
        time_budget: seconds after which the training validates, saves and ends; it can be resumed.
        report_to: ``tensorboard`` writes event files to ``output_dir`` too, where that package is installed.
        max_steps, and all fields from ``batch_size`` to ``short_size``: override the configuration unless None.
    """

    config: Path
    output_dir: Path
    lmdb_base: Path | None = None
    checkpoint: Path | None = None
    resume: Path | Literal["auto"] | None = None
    batch_size: int | None = None
    repeat_times: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    img_size: int | None = None
    short_size: int | None = None
    max_steps: int | None = None
    ga_steps: int = 1
    num_workers: int = 4
    num_threads: int | None = None
    prefetch_factor: int = 4
    val_num_workers: int = 2
    val_prefetch_factor: int = 2
    pin_memory_train: bool = True
    pin_memory_val: bool = True
    channels_last: bool = False
    amp: bool = False
    compile: bool = False
    compile_mode: str = "default"
    save_every_steps: int = 1000
    val_every_steps: int = 1000
    val_max_samples: int | None = None
    log_every_steps: int = 10
    keep_checkpoints: int = 3
    max_skips: int = 10
    patience: int = 0
    time_budget: float | None = None
    report_to: Literal["none", "tensorboard"] = "none"
    seed: int = 0
    device: Device = "auto"
    quiet: bool = False

    def effective_config(self) -> FastConfig:
        """The configuration with the overrides applied.

        Raises:
            PipelineError: the file is not there, or a value is wrong.
        """
        names = ("batch_size", "repeat_times", "epochs", "learning_rate", "img_size", "short_size")
        overrides = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        fields = msgspec.to_builtins(read_config(self.config)) | overrides
        return config_from(fields, self.config)


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What a training left behind.

    Attributes:
        best_checkpoint: weights with the highest hmean on the validation pages (without such pages the last).
        last_checkpoint: from which the training can go on.
        metrics: of the best checkpoint: precision, recall, hmean, and the step of it; empty if not validated.
        steps: updates done in all.
        history: rows of ``results.csv``.
        stopped: why it ended before its last step (``patience``, ``time_budget``), else empty.
    """

    best_checkpoint: Path
    last_checkpoint: Path
    metrics: dict[str, float]
    steps: int
    history: list[dict[str, Any]]
    stopped: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastPrediction:
    """How to detect; ``--flag`` is the field of that name.

    Attributes:
        checkpoint: a detector, in any layout of FAST.
        image: one picture, several, or folders of them.
        output: the drawn picture (PNG), its boxes beside it as JSON and ICDAR text; for several the folder for these.
        config: overrides the configuration in the checkpoint; for files that carry none the defaults count.
        precision: ``bfloat16`` is several times as fast on processors with AMX and on GPUs, and may move a box by a
            pixel.
        min_score, min_area, short_size: override the configuration unless None.
        batch_size: pictures that go through the network together, where they are equal in size.
        exif_orientation: turn pictures as their EXIF tag says; off, because labels count stored pixels.
    """

    checkpoint: Path
    image: tuple[Path, ...]
    output: Path
    config: Path | None = None
    device: Device = "auto"
    precision: Precision = "float32"
    min_score: float | None = None
    min_area: float | None = None
    short_size: int | None = None
    batch_size: int = 4
    exif_orientation: bool = False

    def __post_init__(self) -> None:
        if not self.image:
            raise PipelineError("no picture given", where="--image", remedy="Name at least one picture.")
        if self.batch_size < 1:
            raise PipelineError("batch_size must be 1 or more", where="--batch_size", remedy="Give a number above 0.")
