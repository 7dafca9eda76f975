"""What runs by itself: everything is off until one line of the environment or of the recipe file turns it on.

The recipe file's section is called ``automation`` and has the keys of the environment's variables:

    automation: {watch: true, nightly: "0 3 * * *", timezone: Asia/Seoul, train_share: 0.1}
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from typing import Annotated

import tzlocal

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings

LONGEST_TICK = 40.0
"""Seconds of a look; Dagster gives up a tick after 60, with all that it saw."""


@dataclass(frozen=True)
class AutomationSettings(Settings):
    """Watch, night and trainings; times are in seconds."""

    watch: Annotated[bool, Setting("Whether changes of the share start the data job.", env="OCR_PIPELINE_WATCH")] = (
        False
    )
    watch_inbox: Annotated[
        bool, Setting("Whether pages that are put into the inbox are read.", env="OCR_PIPELINE_WATCH_INBOX")
    ] = False
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
            most=LONGEST_TICK,
        ),
    ] = 20.0
    nightly: Annotated[
        str | None,
        Setting(
            "Cron line of the nightly data jobs, in the time zone below.",
            env="OCR_PIPELINE_NIGHTLY",
            form=r"@\w+|\S+( \S+){4}",
            example="a cron line (0 3 * * *) or off",
        ),
    ] = None
    timezone: Annotated[
        str | None,
        Setting(
            "Time zone of that line, by its name in the tz database; unset: the machine's.",
            env="OCR_PIPELINE_TIMEZONE",
        ),
    ] = None
    partitions_a_run: Annotated[
        int | None,
        Setting(
            "Partitions that one run of a backfill makes, one after the other; unset: all where steps run on this "
            "machine, one on a cluster.",
            env="OCR_PIPELINE_PARTITIONS_A_RUN",
            least=1,
        ),
    ] = None
    keep_runs_days: Annotated[
        float | None,
        Setting(
            "Days after which a run that is over is deleted from Dagster's log, each night; unset: never.",
            env="OCR_PIPELINE_KEEP_RUNS_DAYS",
            above=0,
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timezone and self.timezone not in zoneinfo.available_timezones():
            raise PipelineError(
                f"there is no time zone {self.timezone!r}",
                where="OCR_PIPELINE_TIMEZONE, or timezone in the recipe's section automation",
                remedy="Name one as the tz database does: Asia/Seoul, UTC.",
            )

    @property
    def zone(self) -> str:
        """The time zone of the night."""
        return self.timezone or tzlocal.get_localzone_name() or "UTC"
