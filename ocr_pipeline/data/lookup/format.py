"""The lookup file: a gzip pickle of one ``dict[str, str]``, read by a loader that admits nothing else."""

from __future__ import annotations

import gzip
import pickle
import zlib
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.plain_pickle import load_plain


def write_lookup(path: Path, paths: dict[str, str]) -> None:
    """Write a lookup; the same names give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        pickle.dump(dict(sorted(paths.items())), file, protocol=4)


def read_lookup(path: Path) -> dict[str, str]:
    """Load a lookup.

    Raises:
        PipelineError: it is missing, damaged, or holds anything but strings in a dict.
    """
    try:
        with gzip.open(path, "rb") as file:
            content = load_plain(file)
    except FileNotFoundError as error:
        raise PipelineError(
            "there is no lookup", where=path, remedy="Run `ocr-pipeline lookup` or materialise lookup first."
        ) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise PipelineError(
            f"the lookup cannot be read ({error})", where=path, remedy="Delete it and materialise lookup again."
        ) from error
    if not isinstance(content, dict) or not {*map(type, content), *map(type, content.values())} <= {str}:
        raise PipelineError(
            "the lookup is no dict of strings", where=path, remedy="Delete it and materialise lookup again."
        )
    return content
