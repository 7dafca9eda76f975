"""Running a stage inside a Dagster step: its log lines in the event log, its errors as failures that say the remedy."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.stopping import cancelled_with_its_run
from ocr_pipeline.orchestration.resources import stage_of
from ocr_pipeline.shown import visible
from ocr_pipeline.storage.artifacts.lease import lease, lease_path


@contextlib.contextmanager
def stage_run(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, partition: str | None = None
) -> Iterator[None]:
    """Forward the stage's log lines to the run; turn an error the user can mend into a failure without retries.

    An asset's stage runs under the lease of its artifact: of two runs that want the same one the second waits, and then
    finds it current. A check only reads.

    Args:
        partition: the one of the run's partitions that is made.
    """
    handler = _Forward(context)
    logger = logging.getLogger("ocr_pipeline")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with cancelled_with_its_run(context), _lease(context, partition):
            yield
    except PipelineError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"where": error.where, "remedy": error.remedy},
            allow_retries=False,
        ) from error
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _lease(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, partition: str | None
) -> AbstractContextManager[None]:
    if not isinstance(context, dg.AssetExecutionContext):
        return contextlib.nullcontext()
    asset = stage_of(context.asset_key)
    path = lease_path(context.resources.locations.workspace, asset, partition)
    return lease(path, f"run {context.run.run_id}, {asset} {partition or ''}".strip())


class _Forward(logging.Handler):
    """Lines to the log of the run; the points of a training are observations of its asset too, which Dagster draws."""

    def __init__(self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> None:
        super().__init__()
        self._context = context

    def emit(self, record: logging.LogRecord) -> None:
        self._context.log.log(record.levelno, visible(record.getMessage()))
        point: dict[str, float] | None = getattr(record, "point", None)
        if point and isinstance(self._context, dg.AssetExecutionContext):
            metadata = {f"training/{name}": value for name, value in point.items()}
            self._context.log_event(dg.AssetObservation(self._context.asset_key, metadata=metadata))
