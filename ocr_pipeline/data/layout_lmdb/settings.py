"""The settings of the layout stage, and the environment variables that people know them by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ocr_pipeline.data.layout_lmdb.format.record import TABLE
from ocr_pipeline.errors import PipelineError

NO_MODEL = "none"
DEBUG_PAGES = 500
CELL_SCORE = 0.3
"""Score above which a table cell counts: that of the PP-StructureV3 pipeline."""

Samples = Literal["page", "region", "cell"]
Backend = Literal["transformers", "paddle"]

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"", "0", "false", "no", "off"})
_DEVICE = re.compile(r"gpu|(cpu|gpu:\d+)(,(cpu|gpu:\d+))*")


@dataclass(frozen=True)
class LayoutSettings:
    """How pages become samples.

    Attributes:
        model: ``none``, a folder with weights, a model name (``PP-DocLayoutV2``) or a Hugging Face repository.
        backend: what runs the layout model: ``transformers``, or ``paddle`` in an environment of its own.
        table_model: the same as ``model`` for a detector of table cells (``RT-DETR-L_wired_table_cell_det``).
        samples: what a sample is: ``page``, or a crop around each ``region`` or table ``cell`` that holds words.
        device: of the layout model: ``cpu``, ``gpu:1``, several parted by commas, or ``gpu``, which is every GPU that
            is visible (for paddle the first). On several the model runs on each, in a process of its own.
        table_device: the same for a detector of table cells.
        threshold: score above which words may belong to a region.
        table_threshold: the same for tables, whose scores run lower.
        batch_size: pages that the model sees at once.
        limit: take this many pages only; None: all.
        verbose: log every page that is set aside.
        cpu_fallback: use the CPU where the GPU asked for is missing, instead of failing.
    """

    model: str = NO_MODEL
    backend: Backend = "transformers"
    table_model: str = NO_MODEL
    samples: Samples = "page"
    device: str = "gpu"
    table_device: str = "gpu"
    threshold: float = 0.5
    table_threshold: float = 0.3
    batch_size: int = 8
    limit: int | None = None
    verbose: bool = False
    cpu_fallback: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LayoutSettings:
        """Settings from the guide's FAST_LAYOUT_MODEL, FAST_LAYOUT_DEVICE, FAST_TABLE_DEVICE, FAST_TABLE_LAYOUT_THR and
        FAST_DEBUG, and from FAST_LAYOUT_BACKEND, FAST_LAYOUT_SAMPLES, FAST_TABLE_MODEL and FAST_LAYOUT_CPU_FALLBACK;
        what is not set keeps its default.

        Raises:
            PipelineError: a variable holds what it cannot mean.
        """
        debug = _flag(environment, "FAST_DEBUG")
        return cls(
            model=environment.get("FAST_LAYOUT_MODEL") or cls.model,
            backend=_choice(environment, "FAST_LAYOUT_BACKEND", cls.backend, get_args(Backend)),
            table_model=environment.get("FAST_TABLE_MODEL") or cls.table_model,
            samples=_choice(environment, "FAST_LAYOUT_SAMPLES", cls.samples, get_args(Samples)),
            device=_device(environment, "FAST_LAYOUT_DEVICE", cls.device),
            table_device=_device(environment, "FAST_TABLE_DEVICE", cls.table_device),
            table_threshold=_share(environment, "FAST_TABLE_LAYOUT_THR", cls.table_threshold),
            limit=DEBUG_PAGES if debug else None,
            verbose=debug,
            cpu_fallback=_flag(environment, "FAST_LAYOUT_CPU_FALLBACK"),
        )

    def threshold_of(self, label: str) -> float:
        """Score above which words may belong to a region of this label."""
        return self.table_threshold if label == TABLE else self.threshold


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "").strip().lower()
    if value not in _ON | _OFF:
        raise PipelineError(f"{name} is neither on nor off", where=value, remedy="Set it to 1 or 0.")
    return value in _ON


def _choice(environment: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> Any:
    value = environment.get(name) or default
    if value not in choices:
        raise PipelineError(f"{name} names none of its choices", where=value, remedy=f"Set it to {', '.join(choices)}.")
    return value


def _device(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name) or default
    if not _DEVICE.fullmatch(value):
        raise PipelineError(f"{name} names no device", where=value, remedy="Set it to cpu, gpu, gpu:0 or gpu:0,gpu:1.")
    return value


def _share(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name) or str(default)
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise PipelineError(f"{name} is no score", where=value, remedy="Set it to a number from 0 to 1, such as 0.3.")
    return share
