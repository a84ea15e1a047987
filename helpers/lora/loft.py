"""LoFT's optimizer (2505.21289): AdamW of the full matrix, carried in the two thin factors."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from .optimizers import BETAS, EPSILON, clip, column

RIDGE = {"B": 1e-8, "A": 1e-6}


class Factor:
    """One factor X (K, rows, r) of a change X Y^T, Y (K, columns, r) being the other factor at rest.

    First and second moments are those of the full matrix: M = first Y^T, and V_ij = Y_j second_i Y_j^T. When Y has
    moved since, they are carried over by the map that projects the old rows' space on the new one.
    """

    def __init__(self, part: Tensor, ridge: float):
        self.first = torch.zeros_like(part)
        self.second = part.new_zeros(*part.shape, part.shape[-1])
        self.ridge, self.steps, self.before = ridge, 0, None

    def project(self, gradient: Tensor, other: Tensor) -> Tensor:
        """Return gradient (Y^T Y + ridge)^-1."""
        gram = other.mT @ other + self.ridge * torch.eye(other.shape[-1])
        return torch.linalg.solve(gram, gradient, left=False)

    def move(self, projected: Tensor, other: Tensor) -> Tensor:
        """Return AdamW's normalised step of the full matrix, projected back on this factor."""
        if self.before is not None:
            carry = self.project(self.before.mT @ other, other)  # (K, r, r)
            self.first = self.first @ carry
            self.second = carry.mT[:, None] @ self.second @ carry[:, None]
        self.before, self.steps = other.clone(), self.steps + 1
        one, two = (1 - beta**self.steps for beta in BETAS)
        self.first.lerp_(projected, 1 - BETAS[0])
        self.second.mul_(BETAS[1]).add_(projected[..., :, None] * projected[..., None, :], alpha=1 - BETAS[1])
        mean = self.first @ other.mT / one  # (K, rows, columns)
        square = ((other[:, None] @ self.second) * other[:, None]).sum(-1) / two  # (K, rows, columns)
        return self.project((mean / (square.clamp(min=0).sqrt() + EPSILON)) @ other, other)


class LoFT:
    """Steps on B and on A in turn, B first, for every module's pair of stacked factors."""

    def __init__(self, pairs: list[dict[str, Tensor]], rates: Float[Tensor, " K"], most: float = 1.0):
        self.pairs, self.rates, self.most, self.turn = pairs, rates, most, "B"
        self.factors = [{"B": Factor(pair["B"].data, RIDGE["B"]), "A": Factor(pair["A"].data.mT, RIDGE["A"])}
                        for pair in pairs]  # fmt: skip

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Move one of the factors of every module by rate x factor; gradients are projected before they are clipped."""
        turned = [(pair["B"].data, pair["B"].grad, pair["A"].data.mT) if self.turn == "B"
                  else (pair["A"].data.mT, pair["A"].grad.mT, pair["B"].data) for pair in self.pairs]  # fmt: skip
        state = [each[self.turn] for each in self.factors]
        projected = [own.project(gradient, other) for own, (_, gradient, other) in zip(state, turned)]
        clip(projected, self.most)
        for own, gradient, (part, _, other) in zip(state, projected, turned):
            part.sub_(own.move(gradient, other) * column(factor * self.rates, part))
        self.turn = "A" if self.turn == "B" else "B"
