"""A pre-training that begins with the weights of an earlier one instead of random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, VisionEncoderDecoderModel
from transformers.utils.logging import disable_progress_bar

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models.sizes import demand_sizes
from ocr_pipeline.recognition.pretrained import whole

Weights = dict[str, Tensor]


def take_over(model: Any, tokens: dict[str, int], folder: str) -> None:
    """Give ``model``, whose vocabulary is ``tokens``, the weights of the model in ``folder``.

    Rows of a vocabulary go to the same token; a token that the earlier one did not know keeps its random weights.

    Raises:
        PipelineError: the weights cannot be read, or are of another architecture.
    """
    demand_sizes(folder)
    disable_progress_bar()
    with whole("the model to start from", Path(folder)):
        earlier: Any = VisionEncoderDecoderModel.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False
        )
        known = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_vocab()
    mine, theirs = model.state_dict(), earlier.state_dict()
    _move_rows(mine, theirs, tokens, known)
    others = [name for name in {**mine, **theirs} if _shape(mine.get(name)) != _shape(theirs.get(name))]
    if others:
        raise PipelineError(
            f"the model to start from has another architecture (so in {others[0]})",
            where=folder,
            remedy="Say its sizes under architecture in the recipe, or leave start_from out.",
        )
    model.load_state_dict(theirs)


def _move_rows(mine: Weights, theirs: Weights, tokens: dict[str, int], known: dict[str, int]) -> None:
    """Bring what has a row for each token into the order of ``tokens``: ``{a: 0, b: 1}`` from ``{b: 0}`` moves row 0
    to row 1."""
    common = [(tokens[token], known[token]) for token in tokens if token in known]
    places, rows = torch.tensor(common).T
    of_tokens = (len(tokens), len(known))
    for name in mine.keys() & theirs.keys():
        same_width = mine[name].shape[1:] == theirs[name].shape[1:]
        if (len(mine[name]), len(theirs[name])) == of_tokens and same_width:
            theirs[name] = mine[name].index_copy(0, places, theirs[name][rows])


def _shape(weights: Tensor | None) -> tuple[int, ...] | None:
    return None if weights is None else tuple(weights.shape)
