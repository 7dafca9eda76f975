"""Weights of FAST in every layout that has been published, read strictly: all of them load, or none.

Layouts: ``release`` (``ema``), ``training`` (``state_dict``), ``backbone`` (``model``, ImageNet), ``deploy`` (bare,
fused) and ``bare``; prefixes ``module.`` and ``_orig_mod.`` are taken off. Files of docTR (``doctr``) and TextNet of
Hugging Face transformers (``textnet``, a backbone) load under our names. Files are opened with ``weights_only``, so
nothing in them is ever run.
"""

from __future__ import annotations

import dataclasses
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.network import VARIANTS, FastNetwork, Variant, build_network
from ocr_pipeline.fast.weights.foreign_layouts import known_names
from ocr_pipeline.fast.weights.slim import is_slim, with_sides_at_rest
from ocr_pipeline.settings import likely

_LAYOUTS = {"ema": "release", "state_dict": "training", "model": "backbone"}  # in order of preference
_PREFIXES = ("module.", "_orig_mod.")
_CLASSIFIER = re.compile(r"(conv_head|head|classifier)\.")  # of ImageNet files; FAST has no use for it


@dataclasses.dataclass(frozen=True)
class Weights:
    """What one file holds.

    Attributes:
        layout: ``release``, ``training``, ``backbone``, ``deploy``, ``bare``, ``doctr`` or ``textnet``.
        variant: name in ``VARIANTS``, told from the keys.
        state: parameter name without prefixes -> tensor on the CPU.
        ignored: keys that belong to no detector (the classifier of ImageNet files).
        extras: everything else in the file (epoch, configuration, optimizer).
    """

    path: Path
    layout: str
    variant: str
    state: dict[str, Tensor]
    ignored: tuple[str, ...] = ()
    extras: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def backbone_only(self) -> bool:
        return all(key.startswith("backbone.") for key in self.state)


def read_weights(path: Path) -> Weights:
    """Read a checkpoint and tell its layout and variant.

    Raises:
        PipelineError: no such file, no checkpoint, not of FAST, or of a FAST variant that is not known.
    """
    content = read_checkpoint_file(path)
    layout, raw = _unwrap(content, path)
    state = {_strip(key): value for key, value in raw.items()}
    origin, names = known_names(state)
    state = {names[key]: value for key, value in state.items()}
    ignored: tuple[str, ...] = ()
    if not any(key.startswith("backbone.") for key in state):
        layout = origin or "backbone"
        ignored = tuple(key for key in state if _CLASSIFIER.match(key))
        state = {f"backbone.{key}": value for key, value in state.items() if key not in ignored}
    elif origin:
        layout = origin
    elif layout == "bare" and any(".fused_conv." in key for key in state):
        layout = "deploy"
    extras = {key: value for key, value in content.items() if key not in _LAYOUTS} if raw is not content else {}
    return Weights(Path(path), layout, _variant_of(state, path), state, ignored, extras)


def load_weights(network: FastNetwork, weights: Weights) -> int:
    """Put all ``weights`` into ``network`` and return how many tensors that were.

    An ImageNet file fills the backbone alone; any other must name each parameter of the network, but for the side
    branches, which may be left out all together: they are then at rest, and can be trained.

    Raises:
        PipelineError: names or shapes differ; the network is then unchanged.
    """
    target: torch.nn.Module = network
    state: Mapping[str, Tensor] = weights.state
    if weights.backbone_only:
        target, state = network.backbone, {key.removeprefix("backbone."): value for key, value in state.items()}
    own = target.state_dict()
    if is_slim(state):
        state = with_sides_at_rest(state, own)
    wrong = [key for key in own.keys() | state.keys() if key not in own or key not in state]
    wrong += [key for key in own.keys() & state.keys() if own[key].shape != state[key].shape]
    if wrong:
        raise PipelineError(
            f"the weights do not fit FAST {network.variant} ({len(wrong)} tensors differ, first {min(wrong)})",
            where=weights.path,
            remedy=f"The file holds FAST {weights.variant} ({weights.layout}); choose that variant or another file.",
        )
    target.load_state_dict(dict(state), strict=True)
    return len(own)


def load_network(path: Path, dropout: float = 0.0) -> tuple[FastNetwork, Weights]:
    """The network that a detector file holds, in evaluation mode; fused if the file is.

    Raises:
        PipelineError: as ``read_weights``, or the file holds a backbone only.
    """
    weights = read_weights(path)
    if weights.backbone_only:
        raise PipelineError(
            "this file holds a backbone only, which cannot detect anything",
            where=path,
            remedy="Train a detector from it (--checkpoint), or give the checkpoint of a detector.",
        )
    outputs = weights.state["det_head.final.conv.weight"].shape[0]
    network = build_network(weights.variant, dropout, outputs)
    if any(".fused_conv." in key for key in weights.state):
        network.fuse()
    load_weights(network, weights)
    return network.eval(), weights


def read_checkpoint_file(path: Path) -> dict[str, Any]:
    """The dictionary in a ``.safetensors`` or torch file.

    Raises:
        PipelineError: no such file, or not a dictionary of plain values and tensors.
    """
    path = Path(path)
    demand_checkpoint(path)
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, SafetensorError, EOFError, ValueError) as error:
        why = "it holds no weights" if isinstance(error, pickle.UnpicklingError) else str(error).splitlines()[0]
        raise PipelineError(
            f"this is no checkpoint that can be read safely ({why})",
            where=path,
            remedy="Give a file of weights (.pth, .pth.tar, .safetensors); files with Python objects are not opened.",
        ) from error
    if not isinstance(content, dict):
        raise _foreign(path, f"it holds a {type(content).__name__}")
    return content


def demand_checkpoint(path: Path) -> None:
    """Refuse what is no file.

    Raises:
        PipelineError: nothing is there, or a folder is.
    """
    if path.is_dir():
        raise PipelineError(
            "this is a folder, and the checkpoint of a detector is one file",
            where=path,
            remedy="Give the .pth in it, such as best_checkpoint.pth; a folder with adapters is a recognizer's.",
        )
    if not path.is_file():
        raise PipelineError(
            "no such checkpoint",
            where=path,
            remedy=f"Give the path of a .pth file that a training or czczup published.{likely(path)}",
        )


def _unwrap(content: dict[str, Any], path: Path) -> tuple[str, Mapping[str, Tensor]]:
    for key, layout in _LAYOUTS.items():
        if isinstance(content.get(key), Mapping):
            return layout, _tensors(content[key], path)
    return "bare", _tensors(content, path)


def _tensors(state: Mapping[str, Any], path: Path) -> Mapping[str, Tensor]:
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise _foreign(path, "it holds no table of weights")
    return state


def _strip(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


def _variant_of(state: Mapping[str, Tensor], path: Path) -> str:
    """The variant with as many blocks in each stage and as many channels as ``state``."""
    found = Variant(*_shape_of(state)) if "backbone.first_conv.conv.weight" in state else None
    for name, variant in VARIANTS.items():
        if found is not None and _outline(variant) == _outline(found):
            return name
    raise _foreign(path, "its weights are of no known variant of FAST")


def _shape_of(state: Mapping[str, Tensor]) -> tuple[Any, Any]:
    blocks, channels = [], []
    for stage in range(1, 5):
        pattern = re.compile(rf"backbone\.stage{stage}\.(\d+)\.(?:main_conv|fused_conv)\.weight")
        found = {int(match[1]): key for key in state if (match := pattern.fullmatch(key))}
        blocks.append("?" * len(found))
        channels.append(state[found[0]].shape[0] if 0 in found else 0)
    return tuple(blocks), tuple(channels)


def _outline(variant: Variant) -> tuple[list[int], tuple[int, ...]]:
    return [len(blocks) for blocks in variant.stages], variant.channels


def _foreign(path: Path, why: str) -> PipelineError:
    return PipelineError(
        f"this is not a checkpoint of FAST ({why})",
        where=path,
        remedy="Give a release, training, ImageNet or deploy file of FAST, or one written by this pipeline.",
    )
