"""Weights of other implementations under our names: docTR's FAST, and TextNet of Hugging Face transformers.

Both name the same tensors otherwise; the values stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TEXTNET = (
    (r"(?:textnet|backbone\.textnet)\.", ""),
    (r"encoder\.stages\.(\d)\.stage\.(\d+)\.", lambda found: f"stage{int(found[1]) + 1}.{found[2]}."),
    (r"stem\.conv\.", "first_conv.conv."),
    (r"stem\.batch_norm\.", "first_conv.bn."),
)
_BRANCHES = {
    "main_batch_norm": "main_bn",
    "vertical_conv": "ver_conv",
    "vertical_batch_norm": "ver_bn",
    "horizontal_conv": "hor_conv",
    "horizontal_batch_norm": "hor_bn",
}
_DOCTR_BRANCHES = {"conv": "main_conv", "bn": "main_bn"}


def known_names(keys: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Whose names these are (``doctr``, ``textnet``; empty if ours or unknown), and for each key our own name."""
    keys = list(keys)
    if any(key.startswith("feat_extractor.0.") for key in keys):
        return "doctr", {key: _from_doctr(key) for key in keys}
    if any("encoder.stages.0.stage." in key for key in keys):
        return "textnet", {key: _from_textnet(key) for key in keys}
    return "", {key: key for key in keys}


def _from_doctr(key: str) -> str:
    """docTR counts: 0 to 2 the first convolution (conv, norm, ReLU), 3 to 6 the stages, ``prob_head`` the head."""
    if key.startswith("feat_extractor."):
        _, number, rest = key.split(".", 2)
        if int(number) <= 1:
            return f"backbone.first_conv.{('conv', 'bn')[int(number)]}.{rest}"
        block, rest = rest.split(".", 1)
        return f"backbone.stage{int(number) - 2}.{block}.{_doctr_branch(rest)}"
    if match := re.fullmatch(r"neck\.reduction\.(\d)\.(.+)", key):
        return f"neck.reduce_layer{int(match[1]) + 1}.{_doctr_branch(match[2])}"
    if key.startswith("prob_head.0."):
        return f"det_head.conv.{_doctr_branch(key.removeprefix('prob_head.0.'))}"
    return "det_head.final.conv.weight" if key == "prob_head.2.weight" else key


def _doctr_branch(rest: str) -> str:
    branch, _, tail = rest.partition(".")
    return f"{_DOCTR_BRANCHES.get(branch, branch)}.{tail}"


def _from_textnet(key: str) -> str:
    for pattern, ours in _TEXTNET:
        key = re.sub(f"^{pattern}", ours, key)
    block, dot, leaf = key.rpartition(".")
    start, branch_dot, branch = block.rpartition(".")
    return start + branch_dot + _BRANCHES.get(branch, branch) + dot + leaf
