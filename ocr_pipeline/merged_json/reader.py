"""Pages out of any merged JSON: ours, the original of Text in the wild, and the shapes of earlier scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.datasets import LabelError, SourcePartition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.merged_json.earlier import pages_of_earlier
from ocr_pipeline.merged_json.format import is_merged_json, read_lines
from ocr_pipeline.merged_json.labels import decode_json
from ocr_pipeline.page import Page


def read_pages(path: Path, partition: SourcePartition) -> Iterator[Page]:
    """The pages of a partition, in their order.

    Raises:
        PipelineError: there is no merged JSON, or it is damaged.
    """
    if not path.exists():
        raise PipelineError(
            "there is no merged JSON",
            where=path,
            remedy=f"Run `ocr-pipeline merge --partition {partition.key}` or materialise merged_json first.",
        )
    if is_merged_json(path):
        yield from read_lines(path)
        return
    try:
        document = decode_json(path.read_bytes())
        if partition.split is None:
            yield from partition.dataset.read(document, path.name, "").pages
        else:
            yield from pages_of_earlier(document, partition)
    except LabelError as error:
        raise PipelineError(
            f"the merged JSON cannot be read ({error})", where=path, remedy="Delete it and materialise it again."
        ) from error
