"""What the configuration of a model may ask for: building an absurd one takes hours, or all memory.

Configurations name their sizes alike, whatever the architecture: ``num_hidden_layers``, ``decoder_layers``, ``depths``;
``vocab_size``, ``d_model``, ``hidden_sizes``, ``max_position_embeddings``; ``image_size``, ``height``. Nothing heavy is
imported here, so that a command tells it at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.errors import PipelineError

_FILES = ("config.json", "preprocessor_config.json", "processor_config.json")
_MOST = (
    (re.compile(r"(.*_)?layers|n_layer|depths"), 200),
    (re.compile(r"((image|crop)_)?size|height|width|.*_edge"), 8192),
    (re.compile(r"(.*_)?(sizes?|dims?|embd|embeddings|channels|heads)|d_model|n_positions|n_ctx|n_head"), 2_000_000),
)
"""What a field of such a name may be at most: several times what the largest known models have."""


def demand_sizes(folder: str | Path) -> None:
    """See to it that nothing in a folder asks for a model or a picture of a size that none has; it may be no model.

    Raises:
        PipelineError: it does.
    """
    for path in (Path(folder) / name for name in _FILES):
        for name, value, most in _sizes(_read(path)):
            if not (isinstance(value, int | float) and 0 <= value <= most and value == int(value)):
                raise PipelineError(
                    f"{name} cannot be {str(value)[:30]!r}: it is a whole number from 0 to {most:,}",
                    where=path,
                    remedy="Fetch or save the model again, or take another.",
                )


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # whoever loads the model tells that, or that there is none
        return None


def _sizes(values: object, most: int | None = None, name: str = "") -> Iterator[tuple[str, object, int]]:
    """All sizes in a configuration: where they stand, what they are, and the most they may be."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _sizes(value, _most(key), f"{name}.{key}".lstrip("."))
    elif isinstance(values, list):
        for value in values:
            if not isinstance(value, str):  # kinds of layers, not how many
                yield from _sizes(value, most, name)
    elif most is not None and values is not None and not isinstance(values, bool):
        yield name, values, most


def _most(name: str) -> int | None:
    return next((most for pattern, most in _MOST if pattern.fullmatch(name)), None)
