"""What the user chooses about layouts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from ocr_pipeline.data.layout_lmdb.format.record import TABLE
from ocr_pipeline.data.picture_size import MostPixels, OtherSize
from ocr_pipeline.devices.names import DEVICES
from ocr_pipeline.settings import Setting, Settings, recorded
from ocr_pipeline.storage.files.pictures import MOST_PIXELS

NO_MODEL = "none"
DEBUG_PAGES = 500
CELL_SCORE = 0.3
"""Score above which a table cell counts: that of the PP-StructureV3 pipeline."""

Samples = Literal["page", "region", "cell"]
Backend = Literal["transformers", "paddle"]

_SOME_DEVICES = "auto, cpu, gpu (= cuda), gpu:0 or gpu:0,gpu:1"


@dataclass(frozen=True)
class LayoutSettings(Settings):
    """How pages become samples."""

    model: Annotated[
        str,
        Setting(
            "Layout model: none, a name (PP-DocLayoutV2), a folder with weights, or a Hugging Face repository.",
            env="FAST_LAYOUT_MODEL",
        ),
    ] = NO_MODEL
    backend: Annotated[
        Backend,
        Setting("What runs the layout model; paddle has an environment of its own.", env="FAST_LAYOUT_BACKEND"),
    ] = "transformers"
    table_model: Annotated[
        str, Setting("The same for table cells: none, RT-DETR-L_wired_table_cell_det, ...", env="FAST_TABLE_MODEL")
    ] = NO_MODEL
    samples: Annotated[
        Samples,
        Setting(
            "What a sample is: a page, or a crop around each region or table cell that holds words.",
            env="FAST_LAYOUT_SAMPLES",
        ),
    ] = "page"
    device: Annotated[
        str,
        Setting(
            "Of the layout model: auto, cpu, gpu (= cuda: every one that is visible, a process on each; with paddle "
            "the first) or gpu:0,gpu:1.",
            env="FAST_LAYOUT_DEVICE",
            form=DEVICES,
            example=_SOME_DEVICES,
        ),
    ] = "gpu"
    table_device: Annotated[
        str, Setting("The same for table cells.", env="FAST_TABLE_DEVICE", form=DEVICES, example=_SOME_DEVICES)
    ] = "gpu"
    threshold: Annotated[float, Setting("Score above which words may belong to a region.", least=0, most=1)] = 0.5
    table_threshold: Annotated[
        float,
        Setting("The same for tables, whose scores run lower.", env="FAST_TABLE_LAYOUT_THR", least=0, most=1),
    ] = 0.3
    other_size: OtherSize = "aside"
    max_pixels: MostPixels = MOST_PIXELS
    batch_size: Annotated[int, Setting("Pages that the model sees at once.", least=1)] = 8
    max_pages: Annotated[int | None, Setting("Only the first pages of each split, for a trial.", least=0)] = None
    debug: Annotated[
        bool, Setting(f"The first {DEBUG_PAGES} pages only, and a line for each page set aside.", env="FAST_DEBUG")
    ] = False
    cpu_fallback: Annotated[
        bool,
        Setting("The CPU where the GPU that was asked for is missing, no error.", env="FAST_LAYOUT_CPU_FALLBACK"),
    ] = False

    @property
    def limit(self) -> int | None:
        """How many pages of each split are taken; None: all."""
        return DEBUG_PAGES if self.debug and self.max_pages is None else self.max_pages

    def suited_to(self, documents: bool) -> LayoutSettings:
        """The same, for pages or for scene pictures, which never meet the layout model: it was made for documents."""
        return self if documents else replace(self, model=NO_MODEL, samples="page")

    def recorded(self) -> dict[str, Any]:
        """What decides the samples, beside the models."""
        return recorded(self, "threshold", "table_threshold", "samples") | {"limit": self.limit}

    def threshold_of(self, label: str) -> float:
        """Score above which words may belong to a region of this label."""
        return self.table_threshold if label == TABLE else self.threshold
