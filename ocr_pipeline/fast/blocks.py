"""The building blocks of FAST: a plain convolution and the re-parameterisable one (arXiv 2111.02394)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvLayer(nn.Module):
    """Convolution 3x3, batch norm, ReLU; ``fuse`` folds the norm into the convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(features)))

    @torch.no_grad()
    def fuse(self) -> None:
        if isinstance(self.bn, nn.BatchNorm2d):
            self.conv = _conv_of(self.conv, *_fold(self.conv.weight, self.bn))
            self.bn = nn.Identity()


class RepConvLayer(nn.Module):
    """Sum of up to four normalised branches while training; one convolution after ``fuse``.

    The branches are the full kernel (kh, kw), a vertical one (kh, 1) unless kw is 1, a horizontal one (1, kw) unless kh
    is 1, and the input itself where shape and size allow. So a (1, 3) block owns a 1x1 vertical branch. Branches that
    are absent are None and leave no keys; the names are those of the published checkpoints.
    """

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int] = (3, 3), stride: int = 1) -> None:
        super().__init__()
        high, wide = kernel
        self.fused_conv: nn.Conv2d | None = None
        self.resting = False
        self.main_conv = _same_conv(inputs, outputs, (high, wide), stride)
        self.main_bn = nn.BatchNorm2d(outputs)
        self.ver_conv = _same_conv(inputs, outputs, (high, 1), stride) if wide != 1 else None
        self.ver_bn = nn.BatchNorm2d(outputs) if wide != 1 else None
        self.hor_conv = _same_conv(inputs, outputs, (1, wide), stride) if high != 1 else None
        self.hor_bn = nn.BatchNorm2d(outputs) if high != 1 else None
        self.rbr_identity = nn.BatchNorm2d(inputs) if inputs == outputs and stride == 1 else None

    def forward(self, features: Tensor) -> Tensor:
        if self.fused_conv is not None:
            return torch.relu(self.fused_conv(features))
        total = self.main_bn(self.main_conv(features))  # this order of summands gives the reference's bits
        if self.ver_conv is not None and self.ver_bn is not None and not self.resting:
            total = total + self.ver_bn(self.ver_conv(features))
        if self.hor_conv is not None and self.hor_bn is not None and not self.resting:
            total = total + self.hor_bn(self.hor_conv(features))
        if self.rbr_identity is not None:
            total = total + self.rbr_identity(features)
        return torch.relu(total)

    def rest_sides(self) -> None:
        """Let the vertical and the horizontal branch add nothing and cost nothing; their keys stay in the state.

        Their norms become 0, so whoever loads that state computes the same, and may train them on.
        """
        self.resting = True
        for norm in self._side_norms():
            nn.init.zeros_(norm.weight)
            nn.init.zeros_(norm.bias)
        for module in (self.ver_conv, self.ver_bn, self.hor_conv, self.hor_bn):
            if module is not None:
                module.requires_grad_(False)

    @property
    def sides_rest(self) -> bool:
        """Whether the side branches add nothing, as after ``rest_sides``."""
        return not any(norm.weight.any() or norm.bias.any() for norm in self._side_norms())

    def _side_norms(self) -> list[nn.BatchNorm2d]:
        return [norm for norm in (self.ver_bn, self.hor_bn) if norm is not None]

    @torch.no_grad()
    def fuse(self) -> None:
        """Replace the branches by the one convolution that computes the same (up to rounding)."""
        if self.fused_conv is not None:
            return
        weight, bias = _fold(self.main_conv.weight, self.main_bn)
        for conv, norm in ((self.ver_conv, self.ver_bn), (self.hor_conv, self.hor_bn)):
            if conv is not None and norm is not None:
                branch, shift = _fold(_pad_to(conv.weight, self.main_conv.kernel_size), norm)
                weight, bias = weight + branch, bias + shift
        if self.rbr_identity is not None:
            unit = torch.eye(weight.shape[0], dtype=weight.dtype, device=weight.device)[:, :, None, None]
            branch, shift = _fold(_pad_to(unit, self.main_conv.kernel_size), self.rbr_identity)
            weight, bias = weight + branch, bias + shift
        self.fused_conv = _conv_of(self.main_conv, weight, bias)
        for name in ("main_conv", "main_bn", "ver_conv", "ver_bn", "hor_conv", "hor_bn", "rbr_identity"):
            delattr(self, name)


def _same_conv(inputs: int, outputs: int, kernel: tuple[int, int], stride: int) -> nn.Conv2d:
    padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)


def _fold(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that equals ``weight`` followed by ``norm`` in evaluation mode."""
    assert norm.running_var is not None and norm.running_mean is not None
    deviation = (norm.running_var + norm.eps).sqrt()
    scale = (norm.weight / deviation).reshape(-1, 1, 1, 1)
    return weight * scale, norm.bias - norm.running_mean * norm.weight / deviation


def _pad_to(weight: Tensor, kernel: tuple[int, ...]) -> Tensor:
    high, wide = (kernel[0] - weight.shape[2]) // 2, (kernel[1] - weight.shape[3]) // 2
    return nn.functional.pad(weight, (wide, wide, high, high))


def _conv_of(model: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """A biased convolution with the geometry of ``model`` and the given weights."""
    assert isinstance(model.padding, tuple)
    kernel = (model.kernel_size[0], model.kernel_size[1])
    stride, padding = (model.stride[0], model.stride[1]), (model.padding[0], model.padding[1])
    conv = nn.Conv2d(model.in_channels, model.out_channels, kernel, stride, padding, device=weight.device)
    conv.weight.copy_(weight)
    conv.bias.copy_(bias)  # type: ignore[union-attr]
    return conv
