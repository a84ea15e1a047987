"""How sharply the loss bends along one module's A and B at the start: the largest eigenvalue of their joint Hessian.

At the start every variant is the same function, W = W0. So one gradient graph of the loss in W serves them all: with
dW = s (dB A + B dA), K = H_W[dW] and the gradient G at W, the Hessian of (B, A) times (dB, dA) is
(s (K A^T + G dA^T), s (B^T K + dB^T G)). For vanilla LoRA (B = 0) the block of A is zero, and the mixed block is s G.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Generator, Tensor, nn

from .tasks import Texts
from .training import frozen_copy, losses
from .variants import METHODS, plain_factors

TOLERANCE = 5e-3  # relative, of the eigenvalue


class WeightCurvature:
    """The loss around one module's weight: its gradient, and products of its Hessian with directions of the weight."""

    def __init__(self, model: nn.Module, module: str, texts: Texts):
        model = frozen_copy(model)
        model.set_attn_implementation("eager")  # the fused kernels have no second derivative
        self.weight = model.get_submodule(module).weight.requires_grad_(True)
        loss, _ = losses(model, texts, 1)
        (self._graph,) = torch.autograd.grad(loss.sum(), self.weight, create_graph=True)
        self.gradient = self._graph.detach()

    def times(self, direction: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
        """Return the Hessian of the loss in the weight, times a direction."""
        return torch.autograd.grad(self._graph, self.weight, direction, retain_graph=True)[0]

    def adapter(self, a: Float[Tensor, "r n"], b: Float[Tensor, "m r"], scale: float) -> LinearOperator:
        """Return the Hessian in an adapter's (B, A), flattened one after the other, as a linear operator."""
        sizes = b.numel(), a.numel()

        def times(vector: ndarray) -> ndarray:
            flat = torch.as_tensor(np.asarray(vector).ravel(), dtype=a.dtype)
            db, da = flat[: sizes[0]].view_as(b), flat[sizes[0] :].view_as(a)
            k = self.times(scale * (db @ a + b @ da))
            along_b, along_a = k @ a.mT + self.gradient @ da.mT, b.mT @ k + db.mT @ self.gradient
            return scale * torch.cat([along_b.flatten(), along_a.flatten()]).double().numpy()

        return LinearOperator((sum(sizes), sum(sizes)), matvec=times, dtype=np.float64)

    def top_eigenvalue(self, method: str, rank: int = 8, alpha: float | None = None, seed: int = 0,
                       gradient: Float[Tensor, "m n"] | None = None) -> float:
        """Return the largest algebraic eigenvalue for a variant's start. Arguments as for the function below."""
        about, weight = METHODS[method], self.weight.detach()
        if about.factors is not plain_factors or method == "dora":
            raise ValueError(f"lambda_max of A and B is defined for LoRA and its other starts, not for {about.title}")
        if reason := about.misfit(*weight.shape, rank):
            raise ValueError(reason)
        start = about.start(weight, rank, Generator().manual_seed(seed), gradient)
        a, b = start["A"].to(weight.dtype), start["B"].to(weight.dtype)
        operator = self.adapter(a, b, about.scale(rank if alpha is None else alpha, rank))
        first = np.random.default_rng(seed).standard_normal(operator.shape[0])
        return float(eigsh(operator, k=1, which="LA", tol=TOLERANCE, v0=first, return_eigenvectors=False)[0])


def top_eigenvalue(model: nn.Module, module: str, method: str, batch: Texts, rank: int = 8,
                   alpha: float | None = None, seed: int = 0, gradient: Float[Tensor, "m n"] | None = None) -> float:
    """Return the largest eigenvalue of the exact loss Hessian in one module's (B, A) at the variant's start.

    module: the full name of a linear layer. gradient: of the loss at that weight, for LoRA-GA; from other texts than
    `batch`, else the start has seen the answers. To within half a percent, by Lanczos (scipy's eigsh). Raises
    ValueError for variants of another shape and for ranks that do not fit.
    """
    return WeightCurvature(model, module, batch).top_eigenvalue(method, rank, alpha, seed, gradient)
