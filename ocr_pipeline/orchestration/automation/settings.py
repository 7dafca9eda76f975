"""What runs by itself: everything is off until one line of the environment or of the recipe file turns it on.

The recipe file's section is called ``automation`` and has the keys of the environment's variables:

    automation: {watch: true, nightly: "0 3 * * *", train_share: 0.1}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ocr_pipeline.settings import Setting, Settings


@dataclass(frozen=True)
class AutomationSettings(Settings):
    """Watch, night and trainings; times are in seconds."""

    watch: Annotated[bool, Setting("Whether changes of the share start the data job.", env="OCR_PIPELINE_WATCH")] = (
        False
    )
    quiet_seconds: Annotated[
        float,
        Setting(
            "How long a partition must stay as it is before it counts as delivered.",
            env="OCR_PIPELINE_QUIET_SECONDS",
            least=0,
        ),
    ] = 600.0
    marker: Annotated[
        str,
        Setting("Name of a file that says so at once, when it appears or is written anew.", env="OCR_PIPELINE_MARKER"),
    ] = "_DELIVERED"
    tick_seconds: Annotated[
        float,
        Setting(
            "How long one look at the share may take; the next goes on from there.",
            env="OCR_PIPELINE_TICK_SECONDS",
            least=0,
        ),
    ] = 20.0
    nightly: Annotated[
        str | None,
        Setting(
            "Cron line of the nightly data jobs.",
            env="OCR_PIPELINE_NIGHTLY",
            form=r"@\w+|\S+( \S+){4}",
            example="a cron line (0 3 * * *) or off",
        ),
    ] = None
    train_share: Annotated[
        float,
        Setting(
            "Share of the training data that must have changed before a training starts; 0 for never.",
            env="OCR_PIPELINE_TRAIN_SHARE",
            least=0,
            most=1,
        ),
    ] = 0.0
