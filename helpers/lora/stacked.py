"""One linear layer with an adapter for each of K replicas, so that K fine-tunings run as one.

The K replicas' batches lie one after another in the batch axis, (K x batch, ...). Everything that is frozen computes on
all of them at once; only the adapters tell replicas apart, as a batched product of thin matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from .variants import METHODS, Parts

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Replica:
    """One fine-tuning of a sweep: a variant, its learning rate, and the seed of its start and of its data's order."""

    method: str
    rate: float
    seed: int


class StackedLinear(nn.Module):
    """A frozen linear layer and K adapters; all methods of one stack train parts of the same shapes."""

    def __init__(self, linear: nn.Linear, methods: list[str], starts: list[Parts], frozen: list[Parts],
                 scales: list[float]):
        super().__init__()
        self.weight, self.bias, self.methods = linear.weight.detach(), linear.bias, methods
        self.method = METHODS[methods[0]]
        self.parts = nn.ParameterDict({name: nn.Parameter(torch.stack([start[name] for start in starts]))
                                       for name in starts[0]})  # fmt: skip
        self.frozen = {name: torch.stack([each[name] for each in frozen]) for name in frozen[0]}
        self.scale = torch.tensor(scales, dtype=self.weight.dtype)[:, None, None]
        self.start = self._what_the_weight_already_holds()

    def _what_the_weight_already_holds(self) -> tuple[Tensor, Tensor] | None:
        residual = [METHODS[method].residual for method in self.methods]
        if not any(residual):
            return None
        a, b = self.factors()
        return a.detach().clone(), -b.detach() * torch.tensor(residual)[:, None, None]

    def factors(self) -> tuple[Float[Tensor, "K R n"], Float[Tensor, "K m R"]]:
        """Return every replica's A and s B."""
        a, b = self.method.factors(dict(self.parts), self.frozen, tuple(self.weight.shape))
        return a, b * self.scale

    def change(self) -> Float[Tensor, "K m n"]:
        """Return what the adapters add to the frozen weight, before DoRA's lengths."""
        a, b = self.factors()
        change = b @ a
        return change if self.start is None else change + self.start[1] @ self.start[0]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the layer's outputs for inputs (K x batch, ..., n)."""
        a, b = self.factors()
        replicas, (m, n) = len(self.scale), self.weight.shape
        x = inputs.reshape(replicas, -1, n)
        if self.start is not None:
            a, b = torch.cat([a, self.start[0]], dim=1), torch.cat([b, self.start[1]], dim=2)
        y = torch.baddbmm(F.linear(x, self.weight), x @ a.mT, b.mT)
        if "magnitude" in self.parts:
            with torch.no_grad():  # as in DoRA's paper, the length is a constant for the gradient
                length = (self.weight + self.change()).norm(dim=2)
            y = y * (self.parts["magnitude"] / length)[:, None]
        return (y if self.bias is None else y + self.bias).view(*inputs.shape[:-1], m)


def targets(model: nn.Module, names=TARGETS) -> dict[str, nn.Linear]:
    """Return the linear layers that get adapters, by their full names. Raises ValueError for a name that is nowhere."""
    found = {name: module for name, module in model.named_modules()
             if isinstance(module, nn.Linear) and name.rsplit(".", 1)[-1] in names}  # fmt: skip
    for name in names:
        if not any(full.endswith(name) for full in found):
            linear = sorted({full.rsplit(".", 1)[-1] for full, module in model.named_modules()
                             if isinstance(module, nn.Linear)})  # fmt: skip
            raise ValueError(f"the model has no linear layer {name!r}; it has {', '.join(linear)}")
    return found


def stack(model: nn.Module, replicas: list[Replica], rank: int, alpha: float | None = None, names=TARGETS,
          gradients: dict[str, Tensor] | None = None) -> dict[str, StackedLinear]:
    """Put stacked adapters into a frozen model's linear layers, in place, and return them by name.

    gradients: of the loss at every target's weight, for LoRA-GA.
    """
    layers = {}
    for place, (name, linear) in enumerate(targets(model, names).items()):
        starts, frozen, scales = [], [], []
        for replica in replicas:
            method, weight = METHODS[replica.method], linear.weight.detach()
            rng = Generator().manual_seed(1_000_003 * replica.seed + place)
            starts.append(method.start(weight, rank, rng, None if gradients is None else gradients[name]))
            frozen.append(method.frozen(weight, rank, rng) if method.frozen else {})
            scales.append(method.scale(rank if alpha is None else alpha, rank))
        layers[name] = StackedLinear(linear, [replica.method for replica in replicas], starts, frozen, scales)
        model.set_submodule(name, layers[name])
    return layers
