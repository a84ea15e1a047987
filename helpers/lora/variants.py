"""LoRA and eleven variants: what each trains in place of a frozen matrix W (m, n), and where it starts.

All add s B A to W, with B (m, R) and A (R, n) made from what is trained. They differ in the start (PiSSA, MiLoRA,
Init[AB], OLoRA, LoRA-GA), the shape (DoRA, GraLoRA, RandLoRA), the scale s (rsLoRA) or the optimizer (LoFT, LoRA+). A
start whose B A is not zero is taken out of the frozen matrix, so that no variant changes the model at step 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, sqrt

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Matrix = Float[Tensor, "m n"]
Parts = dict[str, Tensor]  # what is trained in one module, by name; in a sweep with a leading axis of replicas
GAMMA, BLOCKS = 16.0, 2  # LoRA-GA's "stable" start; GraLoRA's k
RANDLORA_SCALE, LORA_PLUS = 20.0, 16.0  # alpha in ranks, as in RandLoRA's code; B's learning rate over A's


def uniform(shape: tuple[int, ...], bound: float, rng: Generator) -> Tensor:
    """Return uniform numbers in [-bound, bound)."""
    return (2 * torch.rand(shape, generator=rng) - 1) * bound


def lora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return A uniform in +-1/sqrt(n) and B = 0 (2106.09685, as peft draws it)."""
    m, n = weight.shape
    return {"A": uniform((rank, n), 1 / sqrt(n), rng), "B": torch.zeros(m, rank)}


def init_ab(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return A and B both uniform in +-1/sqrt(n) (2505.23194)."""
    m, n = weight.shape
    return {"A": uniform((rank, n), 1 / sqrt(n), rng), "B": uniform((m, rank), 1 / sqrt(n), rng)}


def _split(weight: Matrix, which: slice) -> Parts:
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    root = values[which].sqrt()
    return {"A": root[:, None] * right[which], "B": left[:, which] * root}


def pissa(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return the top singular directions of W, their values shared equally between A and B (2404.02948)."""
    return _split(weight, slice(None, rank))


def milora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return the bottom singular directions of W in the same way (2406.09044)."""
    return _split(weight, slice(-rank, None))


def olora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return the first columns of Q and rows of R of W = Q R (2406.01775)."""
    q, r = torch.linalg.qr(weight)
    return {"A": r[:rank].clone(), "B": q[:, :rank].clone()}


def lora_ga(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return singular directions of the loss gradient at W: A the first `rank`, B the next (2407.05000, "ArB2r")."""
    if gradient is None:
        raise ValueError("LoRA-GA starts from the loss gradient; expected a gradient of W's shape, got None")
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    size = len(weight) ** 0.25 / sqrt(GAMMA)
    return {"A": size * right[:rank], "B": size * left[:, rank : 2 * rank]}


def dora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return LoRA's start and W's row lengths, which are trained too (2402.09353)."""
    return lora(weight, rank, rng) | {"magnitude": weight.norm(dim=1)}


def gralora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return A (k, r, n/k) and B (k, m/k, r) of k x k blocks, each of rank r/k (2505.20355)."""
    (m, n), k = weight.shape, BLOCKS
    return {"A": uniform((k, rank, n // k), sqrt(k / n), rng), "B": torch.zeros(k, m // k, rank)}


def randlora(weight: Matrix, rank: int, rng: Generator, gradient: Matrix | None = None) -> Parts:
    """Return the two diagonals that scale frozen random bases: per rank and base 0, per base and entry 1/min(m, n)
    (2502.00987)."""
    small = min(weight.shape)
    bases = ceil(small / rank)
    return {"lambda": torch.zeros(rank, bases), "gamma": torch.full((bases, small), 1 / small)}


def plain_factors(parts: Parts, frozen: Parts, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return A and B as they are."""
    return parts["A"], parts["B"]


def block_factors(parts: Parts, frozen: Parts, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return GraLoRA's blocks as one pair: block (i, j) of B A is B_i[:, chunk j] A_j[chunk i]."""
    a, b = parts["A"], parts["B"]  # (..., k, r, n/k), (..., k, m/k, r)
    k, rank = a.shape[-3], a.shape[-2]
    own = torch.eye(k)
    a = a.unflatten(-2, (k, rank // k))  # (..., j, i, c, n/k)
    b = b.unflatten(-1, (k, rank // k))  # (..., i, m/k, j, c)
    wide = torch.einsum("...jicn,jl->...ijcln", a, own).flatten(-2).flatten(-4, -2)  # rows (i, j, c)
    tall = torch.einsum("...imjc,il->...lmijc", b, own).flatten(-3).flatten(-3, -2)  # columns (i, j, c)
    return wide, tall


def random_factors(parts: Parts, frozen: Parts, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return RandLoRA's bases, the smaller side scaled by both diagonals."""
    ranks, bases = parts["lambda"][..., None], parts["gamma"][..., None, :, :]  # both (..., r or 1, bases, small or 1)
    small = (frozen["small"][..., :, None, :] * ranks * bases).flatten(-3, -2)  # (..., r x bases, small)
    large = frozen["large"].flatten(-2)  # (..., large, r x bases)
    return (small, large) if shape[0] >= shape[1] else (large.mT, small.mT)


def random_bases(weight: Matrix, rank: int, rng: Generator) -> Parts:
    """Return RandLoRA's frozen bases, uniform and divided by their standard deviation."""
    small, large = min(weight.shape), max(weight.shape)
    bases = {"small": uniform((rank, small), 1.0, rng), "large": uniform((large, rank, ceil(small / rank)), 1.0, rng)}
    return {name: base / base.std() for name, base in bases.items()}


@dataclass(frozen=True)
class Method:
    """A variant: its start, how parts become factors, and what else differs from LoRA."""

    title: str
    start: Callable[..., Parts]
    source: str
    factors: Callable[[Parts, Parts, tuple[int, int]], tuple[Tensor, Tensor]] = plain_factors
    frozen: Callable[..., Parts] | None = None
    residual: bool = False  # B A is not zero at the start and is taken out of W
    scale: Callable[[float, int], float] = lambda alpha, rank: alpha / rank
    rates: dict[str, float] = field(default_factory=dict)  # factors on the learning rate of some parts
    optimizer: str = "adamw"
    widest: Callable[[int, int], int] = min  # the largest rank for a matrix (m, n)
    blocks: int = 1  # the rank and both sides are divisible by it

    def misfit(self, m: int, n: int, rank: int) -> str | None:
        """Return why a matrix (m, n) cannot have this rank, or None."""
        if rank > self.widest(m, n):
            return f"{self.title} has rank {self.widest(m, n)} at most, got {rank},"
        if rank % self.blocks or m % self.blocks or n % self.blocks:
            return f"{self.title} needs rank and sides divisible by {self.blocks}, got rank {rank}"
        return None


METHODS: dict[str, Method] = {
    "lora": Method("LoRA", lora, "2106.09685"),
    "pissa": Method("PiSSA", pissa, "2404.02948", residual=True),
    "milora": Method("MiLoRA", milora, "2406.09044", residual=True),
    "init_ab": Method("Init[AB]", init_ab, "2505.23194", residual=True),
    "olora": Method("OLoRA", olora, "2406.01775", residual=True),
    "lora_ga": Method("LoRA-GA", lora_ga, "2407.05000", residual=True, widest=lambda m, n: min(m, n) // 2),
    "dora": Method("DoRA", dora, "2402.09353"),
    "gralora": Method("GraLoRA", gralora, "2505.20355", block_factors, blocks=BLOCKS),
    "randlora": Method("RandLoRA", randlora, "2502.00987", random_factors, random_bases,
                       scale=lambda alpha, rank: RANDLORA_SCALE * alpha / rank),
    "loft": Method("LoFT", lora, "2505.21289", optimizer="loft"),
    "rslora": Method("rsLoRA", lora, "2312.03732", scale=lambda alpha, rank: alpha / sqrt(rank)),
    "lora_plus": Method("LoRA+", lora, "2402.12354", rates={"B": LORA_PLUS}),
}  # fmt: skip
