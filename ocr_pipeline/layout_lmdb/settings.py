"""The settings of the layout stage, and the environment variables that people know them by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.layout_lmdb.record import TABLE

NO_MODEL = "none"
DEBUG_PAGES = 500

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"", "0", "false", "no", "off"})
_DEVICE = re.compile(r"cpu|gpu(:\d+)?")


@dataclass(frozen=True)
class LayoutSettings:
    """How pages become samples.

    Attributes:
        model: ``none``, a folder with weights, a model name (``PP-DocLayoutV2``) or a Hugging Face repository.
        device: ``gpu``, ``gpu:1`` or ``cpu``, for the layout model.
        table_device: the same for a detector of table cells.
        threshold: score above which words may belong to a region.
        table_threshold: the same for tables, whose scores run lower.
        batch_size: pages that the model sees at once.
        limit: take this many pages only; None: all.
        verbose: log every page that is set aside.
        cpu_fallback: use the CPU where the GPU asked for is missing, instead of failing.
    """

    model: str = NO_MODEL
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
        """Settings from FAST_LAYOUT_MODEL, FAST_LAYOUT_DEVICE, FAST_TABLE_DEVICE, FAST_TABLE_LAYOUT_THR, FAST_DEBUG
        and FAST_LAYOUT_CPU_FALLBACK; what is not set keeps its default.

        Raises:
            PipelineError: a variable holds what it cannot mean.
        """
        debug = _flag(environment, "FAST_DEBUG")
        return cls(
            model=environment.get("FAST_LAYOUT_MODEL") or cls.model,
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


def _device(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name) or default
    if not _DEVICE.fullmatch(value):
        raise PipelineError(f"{name} names no device", where=value, remedy="Set it to cpu, gpu or gpu:0.")
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
