"""AdamW with a learning rate for each replica, and LoFT's own optimizer."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Stack = Float[Tensor, "K ..."]
BETAS, EPSILON = (0.9, 0.999), 1e-8


def column(values: Float[Tensor, " K"], like: Stack) -> Tensor:
    """Return one number a replica, shaped to multiply a stack."""
    return values.view(-1, *[1] * (like.dim() - 1))


def clip(gradients: list[Stack], most: float = 1.0) -> Float[Tensor, " K"]:
    """Shorten each replica's gradient to a length of at most `most`, in place; return the lengths before."""
    squares = sum(gradient.flatten(1).square().sum(1) for gradient in gradients)
    length = squares.sqrt()
    factor = (most / (length + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(column(factor, gradient))
    return length


class AdamW:
    """AdamW without weight decay over stacks of replicas, each with its own rate (torch.optim.AdamW's formula)."""

    def __init__(self, parts: list[Stack], rates: list[Float[Tensor, " K"]]):
        self.parts, self.rates, self.steps = parts, rates, 0
        self.first = [torch.zeros_like(part) for part in parts]
        self.second = [torch.zeros_like(part) for part in parts]

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Move every replica by its rate x factor (the schedule's)."""
        self.steps += 1
        one, two = (1 - beta**self.steps for beta in BETAS)
        for part, rate, first, second in zip(self.parts, self.rates, self.first, self.second):
            first.lerp_(part.grad, 1 - BETAS[0])
            second.mul_(BETAS[1]).addcmul_(part.grad, part.grad, value=1 - BETAS[1])
            move = (first / one).div_((second / two).sqrt_().add_(EPSILON))
            part.sub_(move.mul_(column(factor * rate, part)))
