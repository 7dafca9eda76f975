"""The night: every data set on the share is compared with what is published, whatever the watch did or did not see.

It is one run with one step. What is not current of a partition is then asked for as a backfill, so a night in which
nothing changed costs the log no more than this run.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.datasets.dataset import find_roots
from ocr_pipeline.data.plan import ASSETS, plan, wanted_of
from ocr_pipeline.orchestration import backfills
from ocr_pipeline.orchestration.resources import Locations

NIGHT_JOB = "night"


def night_job(define: Callable[[Locations], dg.Definitions]) -> dg.JobDefinition:
    """The job.

    Args:
        define: makes the definitions which it becomes a part of, for what a backfill is asked for by.
    """

    @dg.op(required_resource_keys={"locations"})
    def look_for_work(context) -> None:
        """Compare labels, pictures, code and settings with what is published, and ask for what is not current."""
        locations: Locations = context.resources.locations
        if wanted := _wanted(locations, context.log.info):
            definitions = define(locations)
        for partition, names in wanted.items():  # one each: nobody is there to launch the others if one of them fails
            asked = backfills.submit(context.instance, definitions, {partition: names}, why="the night")
            context.log.info(f"Backfill {asked} makes what is not current of {partition}.")

    @dg.job(
        name=NIGHT_JOB,
        executor_def=dg.in_process_executor,
        description="Compares every set on the share with what is published and asks for what is not current.",
    )
    def night() -> None:
        look_for_work()

    return night


def _wanted(locations: Locations, say: Callable[[str], object]) -> dict[str, list[str]]:
    """Partition -> the assets of it that are not current."""
    share, workspace = locations.share, locations.workspace
    present = [one for dataset in DATASETS if find_roots(share, dataset.folder) for one in dataset.partitions]
    steps = [step for partition in present for step in plan(share, workspace, partition, ASSETS, everything=False)]
    for step in steps:
        if step.is_wanted:
            say(f"{step.partition}, {step.asset}: {step.why}")
    wanted = wanted_of(steps)
    if not wanted:
        say(f"All of {len(present)} partitions is current.")
    return wanted
