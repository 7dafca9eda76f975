"""A piece of a step's work on another machine: told as settings and places, done as files in the output folder.

Whoever does a piece knows of nobody else: each finds the same shards, parts or groups of files in the same order, and
makes its own as far as they are missing. It publishes nothing; the step itself finds what is there.

    python -m ocr_pipeline.orchestration.execution.pieces ORDER PODS
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import msgspec

from ocr_pipeline.data.annotations import AnnotationSettings, fill_shards
from ocr_pipeline.data.datasets import source_partition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, fill_parts
from ocr_pipeline.devices.machine import leased_cpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.parallel import Piece, Processes
from ocr_pipeline.settings import Settings

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""Kubernetes' name for the number of a pod of an Indexed Job, from 0."""

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=Settings)


class Order(msgspec.Struct, frozen=True):
    """What the step that has it would do itself; no secret, for variables tell where the share is to be had.

    Attributes:
        partition: its key; of readings there is none.
        source, output: as `Locations` has them.
        settings: of the stage, as JSON knows them.
    """

    stage: Literal["annotations", "layout_lmdb", "readings"]
    partition: str
    source: str
    output: str
    settings: dict[str, Any]

    @classmethod
    def of(
        cls,
        stage: Literal["annotations", "layout_lmdb", "readings"],
        partition: str,
        locations: Locations,
        settings: Settings,
    ) -> Order:
        plain = msgspec.to_builtins(settings, enc_hook=str)  # paths are texts
        return cls(stage, partition, locations.source, locations.output, plain)

    @classmethod
    def told(cls, words: str) -> Order:
        """What `command` says."""
        return msgspec.json.decode(words, type=cls)

    def command(self, pods: int) -> list[str]:
        """What each of the pods runs that help with it, beside the step's own."""
        return ["python", "-m", __name__, msgspec.json.encode(self).decode(), str(pods)]

    def work_off(self, piece: Piece) -> None:
        """Do a piece of it.

        Raises:
            PipelineError: as the stage does.
        """
        locations = Locations(source=self.source, output=self.output)
        workspace = locations.workspace
        if self.stage == "readings":
            from ocr_pipeline.reading import PageReading, read_piece  # imports torch, which costs seconds

            read_piece(self.read(PageReading), [workspace.inbox / "pages"], workspace.readings, piece)
            return
        partition = source_partition(self.partition)
        what = locations.source_of(partition), partition, workspace
        if self.stage == "annotations":
            fill_shards(*what, self.read(AnnotationSettings), piece, Processes(leased_cpus()))
        else:
            fill_parts(*what, self.read(LayoutSettings), piece, Processes(leased_cpus()))

    def read(self, settings: type[S]) -> S:
        """Its settings, of that class."""
        return settings.from_layers(settings.read_named(self.settings, f"an order of {self.stage}"))


def main(arguments: Sequence[str]) -> int:
    """Do the piece of an order that JOB_COMPLETION_INDEX tells; the first is the step's own."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # The first process of a pod ignores it; an exception might fall into a callback. Nothing here is ever half made.
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    order, pods = Order.told(arguments[0]), int(arguments[1])
    try:
        order.work_off(Piece(int(os.environ[INDEX_VARIABLE]) + 1, pods))
    except PipelineError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
