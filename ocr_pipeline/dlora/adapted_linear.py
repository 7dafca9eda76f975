"""A linear layer with one adapter, computed in as few passes over the activations as the mathematics need."""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners import lora
from torch import Tensor, nn


class AdaptedLinear(lora.Linear):
    """peft's layer, parameter for parameter and file for file, with a leaner way to the same result.

    With W, b frozen, A [r, in], B [out, r], scale s, and for DoRA the gain g = magnitude / ||W + s B A|| of each output
    (1 for LoRA; the norm is a constant to the gradient, arXiv 2402.09353, 4.3)::

        y = g (W x + s B A dropout(x)) + b

    peft forms B A by a product with the identity, sums whole activations four times, and under dropout multiplies W
    twice. Here the norm comes from the Gram matrix of A and is kept while the layer only reads, the second product is
    added into the first where it lies, and dropout (to the nearest of 256 parts) is applied to the adapter's own path
    alone, for LoRA and DoRA alike. Without dropout the results differ by rounding only.
    """

    def __init__(self, base_layer: nn.Module, adapter_name: str, **kwargs: Any) -> None:
        super().__init__(base_layer, adapter_name, **kwargs)
        self._norm: Tensor | None = None  # of the weights as they are, while nothing is learned

    def train(self, mode: bool = True) -> AdaptedLinear:
        self._norm = None
        return super().train(mode)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        adapters = [name for name in self.active_adapters if name in self.lora_A]
        if self.disable_adapters or self.merged or len(adapters) != 1 or args or kwargs:
            return super().forward(x, *args, **kwargs)
        (name,) = adapters
        base: Any = self.base_layer  # what a module holds has no type to mypy
        matrices: Any = (self.lora_A[name], self.lora_B[name])
        (down, up), scale = (matrix.weight for matrix in matrices), self.scaling[name]
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else base.weight.dtype
        with torch.autocast(kind, enabled=False):
            gain = self._gain(name, down, up, scale)
            weights = (base.weight, base.bias, down.to(dtype), up.to(dtype))
            share = getattr(self.lora_dropout[name], "p", 0.0) if self.training else 0.0
            dropped = min(255, round(share * 256))
            noise = random_bytes(x.shape, x.device) if dropped else None
            return _Product.apply(x.to(dtype), noise, dropped, *weights, gain, scale)

    def _gain(self, name: str, down: Tensor, up: Tensor, scale: float) -> Tensor | None:
        """DoRA's factor of each output, [out]; None for LoRA."""
        if name not in self.lora_magnitude_vector:
            return None
        reading = not self.training and not torch.is_grad_enabled()
        norm = self._norm if reading else None
        if norm is None:
            base: Any = self.base_layer
            with torch.no_grad():
                norm = _row_norms(base.weight, down, up, scale)
        if reading:
            self._norm = norm  # the decoder would compute it again for every token
        magnitude: Any = self.lora_magnitude_vector[name]
        return magnitude.weight / norm


def _row_norms(weight: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    """Norms of the rows of ``weight + scale * up @ down``, without that sum: [out].

    ||w + s b A||^2 = ||w||^2 + 2 s b (A w) + s^2 b (A A^T) b^T for each row w of W and b of B.
    """
    weight = weight.to(down.dtype)
    crossed = 2 * scale * (weight @ down.T) + scale**2 * (up @ (down @ down.T))
    return (weight.square().sum(1) + (up * crossed).sum(1)).clamp_min(0).sqrt()


def random_bytes(shape: torch.Size, device: torch.device) -> Tensor:
    """Evenly distributed, uint8; eight come from one number, for ``bernoulli_`` takes longer than the matrices."""
    numbers = torch.empty(-(-shape.numel() // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    return numbers.view(torch.uint8)[: shape.numel()].view(shape)


def _kept(noise: Tensor, dropped: int, dtype: torch.dtype) -> Tensor:
    """1 where the noise is not below ``dropped``, else 0."""
    return torch.ge(noise, dropped, out=torch.empty(noise.shape, dtype=dtype, device=noise.device))


class _Product(torch.autograd.Function):
    """``gain * (x W^T + scale * dropout(x) A^T B^T) + bias``; of 256 values of x ``dropped`` are dropped by ``noise``.

    ``noise`` None drops none, ``gain`` None is 1.
    """

    @staticmethod
    def forward(ctx: Any, x, noise, dropped, weight, bias, down, up, gain, scale):
        flat = x.flatten(0, -2)
        noise = None if noise is None else noise.flatten(0, -2)
        scale = scale * 256 / (256 - dropped)
        factor = scale if gain is None else (gain * scale)[:, None].to(up.dtype)
        weight = (weight if gain is None else weight * gain[:, None]).to(x.dtype)
        gained = up * factor
        narrow = (flat if noise is None else flat * _kept(noise, dropped, x.dtype)) @ down.T
        y = flat @ weight.T if bias is None else torch.addmm(bias.to(x.dtype), flat, weight.T)
        y.addmm_(narrow, gained.T)
        ctx.factor, ctx.dropped, ctx.shape = factor, dropped, x.shape
        ctx.save_for_backward(flat, noise, narrow, weight, bias, down, gained, gain, None if gain is None else y)
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, dy):
        flat, noise, narrow, weight, bias, down, gained, gain, y = ctx.saved_tensors
        dy = dy.flatten(0, -2)
        kept = None if noise is None else _kept(noise, ctx.dropped, flat.dtype)
        d_narrow = dy @ gained
        d_x = d_gain = None
        if ctx.needs_input_grad[0]:
            d_x = dy @ weight
            d_x = d_x.addmm_(d_narrow, down) if kept is None else d_x.addcmul_(d_narrow @ down, kept)
            d_x = d_x.view(ctx.shape)
        d_down = d_narrow.T @ (flat if kept is None else flat * kept)
        d_up = (dy.T @ narrow) * ctx.factor
        if gain is not None:
            d_gained = (dy.to(gain.dtype) * y).sum(0)
            d_gain = (d_gained if bias is None else d_gained - bias * dy.sum(0, dtype=gain.dtype)) / gain
        return d_x, None, None, None, None, d_down, d_up, d_gain, None
