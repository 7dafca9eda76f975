"""A detector for other programs, as ONNX, or as a small file to start from: with what one must know in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.card import card_of, detector_card, origin_of
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.detector import Detector, config_of
from ocr_pipeline.fast.maps.pictures import MAX_SIDE, STRIDE
from ocr_pipeline.fast.network import IMAGENET_DEVIATION, IMAGENET_MEAN, FastNetwork, normalise
from ocr_pipeline.fast.weights.reading import load_network
from ocr_pipeline.fast.weights.slim import halved, without_sides
from ocr_pipeline.storage.files.onnx_files import must_be_able_to_export, write_onnx
from ocr_pipeline.storage.files.publishing import publish_file, publish_text
from ocr_pipeline.storage.files.typed_paths import claim
from ocr_pipeline.training.cards import card_beside

_EXAMPLE = (2, 3, 96, 128)


class _FromPixels(nn.Module):
    """Pixels as they are read, so that nobody can normalise them otherwise."""

    def __init__(self, network: FastNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network(normalise(pictures))[:, 0]


def export_onnx(checkpoint: Path, output: Path, *, overwrite: bool = False) -> dict[str, str]:
    """Write the fused detector as ONNX: ``pictures`` uint8 RGB (N, 3, H, W) to ``kernel_logits`` (N, H/4, W/4).

    N, H and W are free, H and W multiples of 32. The metadata describe pre-processing and post-processing; a card lies
    beside the file.

    Args:
        overwrite: replace what stands at ``output``.

    Returns:
        The metadata.

    Raises:
        PipelineError: the checkpoint cannot be used, ``output`` is not free, or the packages of the extra ``export``
            are not installed.
    """
    claim(output, card_beside(output), inputs=[checkpoint], overwrite=overwrite)
    must_be_able_to_export("export-fast")
    detector = Detector(checkpoint, device="cpu")
    pictures = torch.zeros(_EXAMPLE, dtype=torch.uint8)
    with publish_file(output) as draft:
        inputs = {"pictures": (pictures, (0, 2, 3))}
        metadata = write_onnx(draft, _FromPixels(detector.network), inputs, "kernel_logits", _facts(detector))
    publish_text(card_beside(output), card_of(checkpoint))
    return metadata


def export_weights(
    checkpoint: Path,
    output: Path,
    config: FastConfig | None = None,
    *,
    mixed_with: Path | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write a detector in half precision, and without its side branches where these are at rest; its card beside it.

    ``detect`` and trainings take the file as they take any checkpoint of FAST.

    Args:
        config: which the file shall carry; None for that of the checkpoint.
        mixed_with: the detector that the training began with; what is written lies halfway between the two, and keeps
            better what that one knew (Wortsman et al., Robust fine-tuning of zero-shot models, 2022).
        overwrite: replace what stands at ``output``.

    Returns:
        What stands in the file beside the weights.

    Raises:
        PipelineError: a detector cannot be used, the two are of different networks, or ``output`` is not free.
    """
    mixed = [mixed_with] if mixed_with else []
    claim(output, card_beside(output), inputs=[checkpoint, *mixed], overwrite=overwrite)
    network, weights = load_network(checkpoint)
    facts, own = origin_of(weights), config_of(weights)
    for other in mixed:
        _go_halfway(network, load_network(other)[0], other)
    if mixed or config not in (None, own):
        facts.pop("metric", None)  # it was measured with other weights, or under other rules
    state = network.state_dict()
    facts["config"] = msgspec.to_builtins(config or own)
    with publish_file(output) as draft:
        torch.save({"ema": halved(without_sides(state) if network.sides_rest else state), **facts}, draft)
    publish_text(card_beside(output), detector_card(config or own, facts))
    return facts


def _go_halfway(network: FastNetwork, other: FastNetwork, place: Path) -> None:
    own, theirs = network.state_dict(), other.state_dict()
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in theirs.items()}:
        raise PipelineError(
            "this detector is of another network", where=place, remedy="Name the one that the training began with."
        )
    halves = {name: (own[name] + theirs[name]) / 2 for name in own if own[name].is_floating_point()}
    network.load_state_dict({**own, **halves})


def _facts(detector: Detector) -> dict[str, object]:
    config = detector.config
    return {
        "model": f"FAST {detector.network.variant}",
        "input": "uint8 RGB, N x 3 x H x W, stored orientation; normalisation is part of the model",
        "input.resize": f"bilinear, short side {config.short_size}, long side at most {MAX_SIDE}, both sides then "
        f"rounded up to multiples of {STRIDE}",
        "input.short_size": config.short_size,
        "input.longest": MAX_SIDE,
        "input.stride": STRIDE,
        "input.mean": IMAGENET_MEAN,
        "input.deviation": IMAGENET_DEVIATION,
        "output": "text kernel logits, N x H/4 x W/4; a pixel above kernel_logit is of a kernel",
        "output.kernel_logit": config.kernel_logit,
        "output.pooling_size": config.pooling_size,
        "output.min_score": config.min_score,
        "output.min_area": config.min_area,
        "output.bbox_type": config.bbox_type,
        "output.box_growth": config.box_growth,
    }
