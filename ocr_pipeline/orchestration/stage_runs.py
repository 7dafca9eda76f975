"""Running a stage inside a Dagster step: its log lines in the event log, its errors as failures that say the remedy."""

import contextlib
import logging
from collections.abc import Iterator

import dagster as dg

from ocr_pipeline.errors import PipelineError


@contextlib.contextmanager
def stage_run(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Forward the stage's log lines to the run; turn an error the user can mend into a failure without retries."""
    handler = _Forward(context.log)
    logger = logging.getLogger("ocr_pipeline")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
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


class _Forward(logging.Handler):
    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage())
