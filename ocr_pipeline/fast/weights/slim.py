"""Weights without the side branches of the blocks: what a training leaves that never had them, and what is shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_SIDE = re.compile(r"\.(?:ver|hor)_(?:conv|bn)\.")
_AFFINE = ("_bn.weight", "_bn.bias")


def is_slim(state: Mapping[str, Tensor]) -> bool:
    """Whether the side branches were left out; a file of fused blocks never had them."""
    return any(".main_conv." in key for key in state) and not any(_SIDE.search(key) for key in state)


def without_sides(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state whose side branches are at rest, without them."""
    return {key: value for key, value in state.items() if not _SIDE.search(key)}


def with_sides_at_rest(state: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A slim state with the side branches of a fresh network, which add nothing because their norms are 0."""
    sides = {key: value for key, value in fresh.items() if _SIDE.search(key)}
    silenced = {key: torch.zeros_like(value) for key, value in sides.items() if key.endswith(_AFFINE)}
    return {**sides, **silenced, **state}


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions in half precision; the norms, a hundredth of it all, stay: variances have a wide range."""
    return {key: value.half() if key.endswith("conv.weight") else value for key, value in state.items()}
