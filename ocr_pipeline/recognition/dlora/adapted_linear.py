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
    twice. Here the norm is kept while the layer only reads, and the second product is added into the first where it
    lies. Dropout drops whole features of x, in one draw for all rows: a masked A, and no pass over the activations (as
    in LoRA Dropout, arXiv 2404.09610; peft draws anew for each row, which costs more than the products). It acts on
    the adapter's own path alone, for LoRA and DoRA alike. Without dropout the results differ by rounding only.
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
            magnitude, norm = self._magnitude(name, down, up, scale)
            if self.training:
                down = down * self.lora_dropout[name](torch.ones_like(down[:1]))
            weights = (base.weight, base.bias, down.to(dtype), up.to(dtype))
            return _Product.apply(x.to(dtype), *weights, magnitude, norm, scale)

    def _magnitude(self, name: str, down: Tensor, up: Tensor, scale: float) -> tuple[Tensor | None, Tensor | None]:
        """DoRA's magnitude of each output, and the norm that it takes the place of, both [out]; None for LoRA."""
        if name not in self.lora_magnitude_vector:
            return None, None
        magnitude: Any = self.lora_magnitude_vector[name]
        reading = not self.training and not torch.is_grad_enabled()
        norm = self._norm if reading else None
        if norm is None:
            base: Any = self.base_layer
            with torch.no_grad():
                whole = torch.addmm(base.weight.to(down.dtype), up, down, alpha=scale)
                norm = torch.linalg.vector_norm(whole, dim=1)
        if reading:
            self._norm = norm  # the decoder would compute it again for every token
        return magnitude.weight, norm


class _Product(torch.autograd.Function):
    """``gain * (x W^T + scale * x A^T B^T) + bias`` with ``gain = magnitude / norm``, or 1 where they are None."""

    @staticmethod
    def forward(ctx: Any, x, weight, bias, down, up, magnitude, norm, scale):
        flat, weight = x.flatten(0, -2), weight.to(x.dtype)
        gain = None if magnitude is None else magnitude / norm
        factor = scale if gain is None else (gain * scale)[:, None].to(x.dtype)
        weight = weight if gain is None else weight * gain[:, None].to(x.dtype)
        narrow, gained = flat @ down.T, up * factor
        y = flat @ weight.T if bias is None else torch.addmm(bias.to(x.dtype), flat, weight.T)
        y.addmm_(narrow, gained.T)
        ctx.factor, ctx.shape = factor, x.shape
        ctx.save_for_backward(flat, narrow, weight, bias, down, gained, magnitude, None if gain is None else y)
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, dy):
        flat, narrow, weight, bias, down, gained, magnitude, y = ctx.saved_tensors
        dy = dy.flatten(0, -2)
        d_narrow = dy @ gained
        d_x = d_magnitude = None
        if ctx.needs_input_grad[0]:
            d_x = (dy @ weight).addmm_(d_narrow, down).view(ctx.shape)
        d_down, d_up = d_narrow.T @ flat, (dy.T @ narrow) * ctx.factor
        if magnitude is not None:
            d_gained = (dy.to(magnitude.dtype) * y).sum(0)
            d_gained = d_gained if bias is None else d_gained - bias * dy.sum(0, dtype=magnitude.dtype)
            d_magnitude = d_gained / magnitude
        return d_x, None, None, d_down, d_up, d_magnitude, None, None
