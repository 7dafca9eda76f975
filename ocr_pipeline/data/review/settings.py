"""What the user chooses about the search for wrong labels (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.settings import Setting, Settings


@dataclass(frozen=True, kw_only=True)
class SuspectSettings(Settings):
    """Who reads, and how much is kept."""

    reader: Annotated[
        str | None,
        Setting(
            "A recognizer that did not learn from these labels: a checkpoint, or a base model by its name. Unset: the "
            "champion where it never met the partition, else the one that is shipped.",
            env="OCR_PIPELINE_REVIEW_READER",
        ),
    ] = None
    second_reader: Annotated[
        str | None,
        Setting("Another one that is asked too, or `tesseract`; unset: nobody.", env="OCR_PIPELINE_REVIEW_SECOND"),
    ] = None
    search: Annotated[
        bool,
        Setting(
            "Look for text that nobody labelled, and for labels where no text is, by the shipped detector.",
            env="OCR_PIPELINE_REVIEW_SEARCH",
        ),
    ] = True
    most: Annotated[
        int, Setting("Suspects that are kept, the likeliest errors first.", env="OCR_PIPELINE_REVIEW_MOST", least=1)
    ] = 100_000
    device: Annotated[str, device_setting()] = "auto"
    batch_size: Annotated[int, Setting("Words read at once.", least=1)] = 32

    def recorded(self) -> dict[str, Any]:
        """What decides the result beside the readers, which are among the inputs."""
        return {"most": self.most}
