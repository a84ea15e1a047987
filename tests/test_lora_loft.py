"""LoFT's optimizer: AdamW of the full matrix, as far as two thin factors can carry it."""

from __future__ import annotations

import torch

from helpers.lora.loft import RIDGE, Factor, LoFT
from helpers.lora.optimizers import AdamW

K, M, N, R = 2, 6, 5, 3


def factor(seed, rows=M):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(K, rows, R, generator=rng)


def test_a_square_orthonormal_factor_makes_it_adamw_of_the_full_matrix():
    """With A orthonormal and at rest, steps on B are AdamW's steps on the whole of W, several times over."""
    a = torch.linalg.qr(torch.randn(K, N, N, generator=torch.Generator().manual_seed(0))).Q  # (K, r, n), r = n
    b, full = torch.zeros(K, M, N), torch.zeros(K, M, N, requires_grad=True)
    own, adam = Factor(b, RIDGE["B"]), AdamW([full], [torch.full((K,), 0.01)])
    for step in range(6):
        gradient = torch.randn(K, M, N, generator=torch.Generator().manual_seed(step))
        full.grad = gradient.clone()
        adam.step(1.0)
        other = a.mT
        b = b - 0.01 * own.move(own.project(gradient @ a.mT, other), other)
        assert torch.allclose(b @ a, full, atol=2e-5), step


def test_moments_are_carried_over_when_the_other_factor_turns():
    """A rotated basis of the same space holds the same moments: the next full step is the same."""
    part, other, turn = factor(1), factor(2, N), torch.linalg.qr(factor(3, R)).Q
    gradients = [factor(4), factor(5)]
    still, turned = Factor(part, 1e-8), Factor(part, 1e-8)
    for own in (still, turned):
        own.move(gradients[0], other)
    one = still.move(gradients[1], other) @ other.mT
    rotated = other @ turn
    two = turned.move(gradients[1] @ turn, rotated) @ rotated.mT
    assert torch.allclose(one, two, atol=1e-4)
    assert torch.allclose(still.first @ other.mT, turned.first @ rotated.mT, atol=1e-4)


def test_the_second_moment_is_that_of_the_full_matrix():
    own, other = Factor(factor(1), 1e-8), factor(2, N)
    total = torch.zeros(K, M, N)
    for seed in range(3, 7):
        gradient = factor(seed)
        own.move(gradient, other)
        total = 0.999 * total + 0.001 * (gradient @ other.mT).square()
    found = torch.einsum("kjr,kirs,kjs->kij", other, own.second, other)
    assert torch.allclose(found, total, atol=1e-5)


def test_b_and_a_take_turns_and_each_replica_has_its_rate():
    pair = {"A": torch.randn(K, R, N).requires_grad_(), "B": torch.zeros(K, M, R).requires_grad_()}
    optimizer, before = LoFT([pair], torch.tensor([0.0, 0.1])), {}
    for turn in ("B", "A", "B"):
        before = {name: part.detach().clone() for name, part in pair.items()}
        for part in pair.values():
            part.grad = torch.randn_like(part)
        optimizer.step(1.0)
        other = "A" if turn == "B" else "B"
        assert torch.equal(pair[other], before[other]) and torch.equal(pair[turn][0], before[turn][0])
        assert not torch.allclose(pair[turn][1], before[turn][1])


def test_projection_solves_the_normal_equations():
    own, other, gradient = Factor(factor(1), 1e-6), factor(2, N), factor(3)
    found = own.project(gradient, other)
    assert torch.allclose(found @ (other.mT @ other + 1e-6 * torch.eye(R)), gradient, atol=1e-4)
