"""Settings and results of a training and of a prediction; the fields are the guide's flags (no torch here)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.config import FastConfig, config_from, read_config
from ocr_pipeline.models import FAST_KOREAN
from ocr_pipeline.settings import Setting, Settings

CODE_VERSION = "4"
Precision = Literal["float32", "bfloat16"]
CompileMode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
_OVERRIDES = "unset: as the configuration says."


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastTraining(Settings):
    """How to train; ``--flag`` is the field of that name. A step is one update of the weights."""

    config: Annotated[
        Path,
        Setting(
            "Configuration of the detector, .yaml or published .py; shipped: base_736.yaml, tiny_736.yaml, "
            "korean_736.yaml (with changes as of Korean documents and photos), tiny_korean.yaml (goes on from "
            "the shipped detector), tiny_drawn.yaml, tiny_drawn_further.yaml and tiny_drawn_large.yaml (made that one, "
            "from drawn pages)."
        ),
    ]
    output_dir: Annotated[Path, Setting("Takes checkpoints, results.csv and the best detector.")]
    lmdb_base: Annotated[Path | None, Setting("Folder of the *_layout.lmdb.")] = None
    checkpoint: Annotated[
        Path | None, Setting("Weights to start from, in any layout of FAST; unset: as the configuration says.")
    ] = None
    resume: Annotated[
        Path | Literal["auto"] | None,
        Setting(
            "A checkpoint to go on from, exactly, with the same data and settings; auto takes the newest in "
            "output_dir, or begins anew in a folder there where that is of others."
        ),
    ] = None
    batch_size: Annotated[int | None, Setting(f"Pages of one batch; {_OVERRIDES}", least=1)] = None
    repeat_times: Annotated[int | None, Setting(f"How often an epoch takes each page; {_OVERRIDES}", least=1)] = None
    epochs: Annotated[int | None, Setting(f"Rounds over the data; {_OVERRIDES}", least=1)] = None
    learning_rate: Annotated[float | None, Setting(f"The highest; {_OVERRIDES}", above=0)] = None
    img_size: Annotated[int | None, Setting(f"Side of the training crops, in pixels; {_OVERRIDES}", least=1)] = None
    short_size: Annotated[
        int | None, Setting(f"Short side of the pages that are validated, in pixels; {_OVERRIDES}", least=1)
    ] = None
    max_steps: Annotated[int | None, Setting(f"Steps in all, instead of epochs; {_OVERRIDES}", least=1)] = None
    ga_steps: Annotated[int, Setting("Batches whose gradients are summed up to one step.", least=1, most=65_536)] = 1
    num_workers: Annotated[
        int, Setting("Processes that load pages; 0: none beside the training.", least=0, most=1024)
    ] = 4
    num_threads: Annotated[
        int | None,
        Setting(
            "CPU threads of torch; unset: as they are. On shared cores 1 is often the fastest.", least=1, most=1024
        ),
    ] = None
    prefetch_factor: Annotated[int, Setting("Batches that each process loads ahead.", least=1, most=1024)] = 4
    val_num_workers: Annotated[int, Setting("Processes that load validation pages.", least=0, most=1024)] = 2
    val_prefetch_factor: Annotated[int, Setting("Batches that each of them loads ahead.", least=1, most=1024)] = 2
    pin_memory_train: Annotated[bool, Setting("Load training pages into page-locked memory.")] = True
    pin_memory_val: Annotated[bool, Setting("Load validation pages into page-locked memory.")] = True
    channels_last: Annotated[bool, Setting("Memory format of the network; faster on recent GPUs.")] = False
    amp: Annotated[
        bool, Setting("Mixed precision: float16 on CUDA, bfloat16 on a CPU that has instructions for it.")
    ] = False
    compile: Annotated[bool, Setting("Compile the network by torch.compile.")] = False
    compile_mode: Annotated[CompileMode, Setting("How torch.compile tunes it.")] = "default"
    save_every_steps: Annotated[int, Setting("0 to save at the end of each epoch only.", least=0)] = 1000
    val_every_steps: Annotated[int, Setting("0 to validate at the end of each epoch only.", least=0)] = 1000
    val_max_samples: Annotated[int | None, Setting("Pages to validate on, spread evenly; unset: all.", least=0)] = None
    log_every_steps: Annotated[int, Setting("How often the loss is logged.", least=1)] = 10
    keep_checkpoints: Annotated[
        int, Setting("How many of the newest checkpoints stay; the best one always does.", least=0)
    ] = 3
    max_skips: Annotated[
        int,
        Setting("Steps that may be left out because their loss is not finite, before the training gives up.", least=0),
    ] = 10
    patience: Annotated[
        int, Setting("Validations without a better hmean after which the training ends; 0 for never.", least=0)
    ] = 0
    time_budget: Annotated[
        float | None,
        Setting("Seconds after which the training validates, saves and ends; it can be resumed.", least=0),
    ] = None
    report_to: Annotated[
        Literal["none", "tensorboard"],
        Setting("tensorboard writes event files to output_dir too, where that package is installed."),
    ] = "none"
    seed: Annotated[int, Setting("Of the weights, the order and the augmentation.", least=0)] = 0
    device: Annotated[str, device_setting()] = "auto"
    quiet: Annotated[bool, Setting("Log nothing but warnings.")] = False

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
class FastPrediction(Settings):
    """How to detect; ``--flag`` is the field of that name."""

    checkpoint: Annotated[Path, Setting("A detector, in any layout of FAST; unset: the one that is shipped.")] = (
        FAST_KOREAN
    )
    image: Annotated[tuple[Path, ...], Setting("A picture or a folder of pictures; may be repeated.")]
    output: Annotated[
        Path,
        Setting(
            "The drawn picture (PNG), its boxes beside it as JSON and ICDAR text; for several the folder for these."
        ),
    ]
    config: Annotated[
        Path | None,
        Setting("Instead of the configuration in the checkpoint; for files that carry none the defaults count."),
    ] = None
    device: Annotated[str, device_setting()] = "auto"
    precision: Annotated[
        Precision,
        Setting("bfloat16 is several times as fast on processors with AMX and on GPUs, and may move a box by a pixel."),
    ] = "float32"
    min_score: Annotated[float | None, Setting(f"Words that score lower are left out; {_OVERRIDES}", least=0)] = None
    min_area: Annotated[float | None, Setting(f"Words that are smaller are left out; {_OVERRIDES}", least=0)] = None
    short_size: Annotated[int | None, Setting(f"Short side of the page, in pixels; {_OVERRIDES}", least=1)] = None
    batch_size: Annotated[
        int, Setting("Pictures that go through the network together, where they are equal in size.", least=1)
    ] = 4
    exif_orientation: Annotated[
        bool, Setting("Turn pictures as their EXIF tag says; off, because labels count stored pixels.")
    ] = False
    overwrite: Annotated[bool, Setting("Replace files at the output that an earlier detect did not make.")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.image:
            raise PipelineError("no picture given", where="--image", remedy="Name at least one picture.")
