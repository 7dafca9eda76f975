"""The FAST network: TextNet backbone, fusing neck, one-map head (arXiv 2111.02394, section 3).

Module names are those of the published checkpoints, so that these load strictly and unchanged.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn
from torch.nn import functional

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.blocks import ConvLayer, RepConvLayer

EMBEDDING_SIZE = 4
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of R, G, B
_KERNELS = {"S": (3, 3), "V": (3, 1), "H": (1, 3)}


@dataclasses.dataclass(frozen=True)
class Variant:
    """Shape of one network: the blocks of each stage (S square, V vertical, H horizontal) and the channel counts."""

    stages: tuple[str, str, str, str]
    channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    neck: int = 128


VARIANTS = {
    "tiny": Variant(("SSS", "SHSV", "SSVH", "SVHS")),
    "small": Variant(("SS", "SHSVSVHS", "SSHVSHVS", "SVHHV")),
    "base": Variant(("SSVSVSSHSS", "SHSVSSVVSS", "SSSHSVSV", "SHVVH")),
    "narrow": Variant(("SS", "SH", "SH", "SH"), (16, 32, 48, 64), 32),
}


class Backbone(nn.Module):
    """TextNet: a strided convolution and four stages, outputs at strides 4, 8, 16, 32."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        width = variant.channels[0]
        self.first_conv = ConvLayer(3, width, stride=2)
        self.stage1 = _stage(variant.stages[0], width, variant.channels[0], halving=1)
        self.stage2 = _stage(variant.stages[1], *variant.channels[0:2])
        self.stage3 = _stage(variant.stages[2], *variant.channels[1:3])
        self.stage4 = _stage(variant.stages[3], *variant.channels[2:4])

    def forward(self, pictures: Tensor) -> list[Tensor]:
        features, outputs = self.first_conv(pictures), []
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            for block in stage:
                features = block(features)
            outputs.append(features)
        return outputs


class Neck(nn.Module):
    """Brings the four maps to one width and to the size of the first, and stacks them."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        first, second, third, fourth = variant.channels
        self.reduce_layer1 = RepConvLayer(first, variant.neck)
        self.reduce_layer2 = RepConvLayer(second, variant.neck)
        self.reduce_layer3 = RepConvLayer(third, variant.neck)
        self.reduce_layer4 = RepConvLayer(fourth, variant.neck)

    def forward(self, maps: list[Tensor]) -> Tensor:
        layers = (self.reduce_layer1, self.reduce_layer2, self.reduce_layer3, self.reduce_layer4)
        reduced = [layer(features) for layer, features in zip(layers, maps, strict=True)]
        size = reduced[0].shape[2:]
        return torch.cat([reduced[0], *(_resize(features, size) for features in reduced[1:])], dim=1)


class _Final(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.conv(features)


class Head(nn.Module):
    """Channel 0: text kernel logit; channels 1 to 4, needed for training only: instance embedding."""

    def __init__(self, variant: Variant, dropout: float, outputs: int) -> None:
        super().__init__()
        self.conv = RepConvLayer(4 * variant.neck, variant.neck)
        self.dropout = nn.Dropout2d(dropout)
        self.final = _Final(variant.neck, outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.final(self.dropout(self.conv(features)))


class FastNetwork(nn.Module):
    """Pictures (N, 3, H, W), normalised RGB, sides multiples of 32, to logits (N, 5 or 1, H/4, W/4)."""

    def __init__(self, name: str, variant: Variant, dropout: float, outputs: int) -> None:
        super().__init__()
        self.variant = name
        self.backbone = Backbone(variant)
        self.neck = Neck(variant)
        self.det_head = Head(variant, dropout, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.det_head(self.neck(self.backbone(pictures)))

    def rest_sides(self) -> None:
        """Train without the vertical and horizontal branch of every block, which take a third of a step."""
        for block in self._blocks():
            block.rest_sides()

    @property
    def sides_rest(self) -> bool:
        """Whether those branches add nothing anywhere."""
        return all(block.sides_rest for block in self._blocks())

    def _blocks(self) -> list[RepConvLayer]:
        return [module for module in self.modules() if isinstance(module, RepConvLayer)]

    @torch.no_grad()
    def fuse(self, kernel_only: bool = False) -> FastNetwork:
        """Fold every block into one convolution, in place; with ``kernel_only`` drop the embedding (deploy form)."""
        for module in list(self.modules()):
            if isinstance(module, ConvLayer | RepConvLayer):
                module.fuse()
        conv = self.det_head.final.conv
        if kernel_only and conv.out_channels > 1:
            final = _Final(conv.in_channels, 1).to(conv.weight)
            final.conv.weight.copy_(conv.weight[:1])
            self.det_head.final = final
        return self


def build_network(variant: str, dropout: float = 0.0, outputs: int = 1 + EMBEDDING_SIZE) -> FastNetwork:
    """A network with fresh weights: Kaiming normal convolutions, unit batch norms, as in the paper's code.

    Raises:
        PipelineError: there is no such variant.
    """
    if variant not in VARIANTS:
        raise PipelineError("no such FAST variant", where=variant, remedy=f"Choose one of {', '.join(VARIANTS)}.")
    network = FastNetwork(variant, VARIANTS[variant], dropout, outputs)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network


def _stage(blocks: str, inputs: int, outputs: int, halving: int = 0) -> nn.ModuleList:
    """The blocks of one stage; the one at ``halving`` has stride 2."""
    return nn.ModuleList(
        RepConvLayer(outputs if position else inputs, outputs, _KERNELS[block], stride=2 if position == halving else 1)
        for position, block in enumerate(blocks)
    )


def normalise(pictures: Tensor) -> Tensor:
    """RGB uint8 (N, 3, H, W) to the float32 that the networks were trained on: ImageNet mean 0, deviation 1."""
    statistics = IMAGENET_MEAN, IMAGENET_DEVIATION
    mean, deviation = (torch.tensor(values, device=pictures.device)[:, None, None] for values in statistics)
    return (pictures.float() / 255 - mean) / deviation


def in_channels_last(network: FastNetwork) -> FastNetwork:
    """The network, in place, with the memory order that convolutions on GPUs and with AMX prefer."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _resize(features: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)
