"""Every variant leaves the model as it is at step 0, and equals its definition written as plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, nn

from helpers.lora.models import load_base, tiny_model
from helpers.lora.stacked import Replica, StackedLinear, stack, targets
from helpers.lora.tasks import new_pairs
from helpers.lora.training import Settings, Trainer, frozen_copy, task_gradients
from helpers.lora.variants import BLOCKS, GAMMA, METHODS

EACH = pytest.mark.parametrize("method", METHODS)
SHAPES = [(12, 8), (8, 12), (8, 8)]


@pytest.fixture(scope="module")
def base():
    return load_base()


@pytest.fixture(scope="module")
def task():
    return new_pairs(100, 20, 20)


def layer(method, shape=(12, 8), rank=4, seeds=(0, 1), move=0.0):
    """A stacked layer with a random weight, moved away from its start by random numbers of a size."""
    rng = torch.Generator().manual_seed(5)
    linear, gradient = nn.Linear(shape[1], shape[0], bias=False), torch.randn(shape, generator=rng)
    linear.weight.data = torch.randn(shape, generator=rng)
    about, starts, frozen = METHODS[method], [], []
    for seed in seeds:
        draw = Generator().manual_seed(seed)
        starts.append(about.start(linear.weight.detach(), rank, draw, gradient))
        frozen.append(about.frozen(linear.weight.detach(), rank, draw) if about.frozen else {})
    made = StackedLinear(linear, [method] * len(seeds), starts, frozen, [about.scale(rank, rank)] * len(seeds))
    for part in made.parts.values():
        part.data += move * torch.randn(part.shape, generator=rng)
    return linear, made


@EACH
def test_nothing_changes_at_step_0(method, base, task):
    trainer = Trainer(base, [Replica(method, 1e-3, seed) for seed in (0, 1)], Settings(), task_gradients(base, task))
    with torch.no_grad():
        expected = base(input_ids=task.test.ids).logits
        found = trainer.model(input_ids=task.test.ids.repeat(2, 1)).logits.view(2, *expected.shape)
    assert torch.allclose(found[0], expected, atol=1e-6 * float(expected.abs().max()))
    assert torch.allclose(found[1], expected, atol=1e-6 * float(expected.abs().max()))


@EACH
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_changes_at_step_0_in_any_module(method, shape):
    linear, made = layer(method, shape)
    inputs = torch.randn(6, 3, shape[1], generator=torch.Generator().manual_seed(1))
    assert torch.allclose(made(inputs), linear(inputs), atol=1e-6)


@EACH
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_is_the_product_with_the_changed_weight(method, shape):
    linear, made = layer(method, shape, move=0.1)
    inputs = torch.randn(2, 3, shape[1], generator=torch.Generator().manual_seed(1))
    for replica, weight in enumerate(linear.weight.detach() + made.change()):
        if method == "dora":
            weight = made.parts["magnitude"][replica][:, None] * weight / weight.norm(dim=1, keepdim=True)
        assert torch.allclose(made(inputs)[replica], inputs[replica] @ weight.T, atol=1e-5)
    assert made.change().abs().max() > 1e-3


def test_pissa_and_milora_split_the_singular_values():
    weight = torch.randn(9, 7, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(weight)
    for method, kept in (("pissa", values[:3]), ("milora", values[-3:])):
        start = METHODS[method].start(weight, 3, Generator())
        assert torch.allclose(torch.linalg.svdvals(start["B"] @ start["A"])[:3], kept, atol=1e-5)
        rest = torch.linalg.svdvals(weight - start["B"] @ start["A"])
        others = values[3:] if method == "pissa" else values[:-3]
        assert torch.allclose(rest[:4], others, atol=1e-5) and rest[4:].max() < 1e-5
        assert torch.allclose(start["A"] @ start["A"].T, torch.diag(kept), atol=1e-5)
        assert torch.allclose(start["B"].T @ start["B"], torch.diag(kept), atol=1e-5)


def test_olora_is_orthonormal_columns_times_rows_of_r():
    weight = torch.randn(9, 7, generator=torch.Generator().manual_seed(0))
    start = METHODS["olora"].start(weight, 3, Generator())
    assert torch.allclose(start["B"].T @ start["B"], torch.eye(3), atol=1e-6)
    assert torch.allclose(start["B"] @ start["A"], start["B"] @ start["B"].T @ weight, atol=1e-5)


def test_lora_ga_takes_the_gradients_directions_without_their_values():
    weight, gradient = torch.randn(2, 9, 7, generator=torch.Generator().manual_seed(0))
    start = METHODS["lora_ga"].start(weight, 3, Generator(), gradient)
    size = 9**0.25 / math.sqrt(GAMMA)
    assert torch.allclose(start["A"] @ start["A"].T, size**2 * torch.eye(3), atol=1e-6)
    assert torch.allclose(start["B"].T @ start["B"], size**2 * torch.eye(3), atol=1e-6)
    values = torch.linalg.svdvals(gradient)
    assert torch.allclose((gradient @ start["A"].T / size).norm(dim=0), values[:3], atol=1e-5)
    assert torch.allclose((start["B"].T @ gradient / size).norm(dim=1), values[3:6], atol=1e-5)
    with pytest.raises(ValueError, match="LoRA-GA starts from the loss gradient"):
        METHODS["lora_ga"].start(weight, 3, Generator())


def test_gralora_against_a_loop_over_blocks():
    _, made = layer("gralora", move=0.5)
    a, b, (m, n), k = made.parts["A"][1], made.parts["B"][1], (12, 8), BLOCKS
    wanted = torch.zeros(m, n)
    for i in range(k):
        for j in range(k):
            own_b = b[i][:, j * 4 // k : (j + 1) * 4 // k]
            own_a = a[j][i * 4 // k : (i + 1) * 4 // k]
            wanted[i * m // k : (i + 1) * m // k, j * n // k : (j + 1) * n // k] = own_b @ own_a
    assert torch.allclose(made.change()[1], wanted, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_randlora_against_a_loop_over_bases(shape):
    _, made = layer("randlora", shape, rank=3, move=0.2)
    small, large = made.frozen["small"][0], made.frozen["large"][0]
    lam, gamma = made.parts["lambda"][0], made.parts["gamma"][0]
    wanted = sum(large[:, :, base] * lam[:, base] @ (small * gamma[base]) for base in range(gamma.shape[0]))
    wanted = made.scale[0] * (wanted if shape[0] >= shape[1] else wanted.T)
    assert gamma.shape == (3, 8) and torch.allclose(made.change()[0], wanted, atol=1e-5)


def test_scales_and_rates_by_name():
    scales = {name: about.scale(8.0, 16) for name, about in METHODS.items()}
    assert scales["lora"] == 0.5 and scales["rslora"] == 2.0 and scales["randlora"] == 10.0
    assert METHODS["lora_plus"].rates == {"B": 16.0}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.sampled_from(list(METHODS)))
def test_a_rank_either_fits_and_starts_or_is_refused_in_words(m, n, rank, method):
    about, weight = METHODS[method], torch.randn(m, n, generator=torch.Generator().manual_seed(0))
    if reason := about.misfit(m, n, rank):
        assert about.title in reason and f"rank {rank}" in reason or f"got {rank}" in reason
        return
    start = about.start(weight, rank, Generator().manual_seed(0), weight)
    frozen = about.frozen(weight, rank, Generator().manual_seed(0)) if about.frozen else {}
    a, b = about.factors(start, frozen, (m, n))
    assert a.shape[-1] == n and b.shape[0] == m and a.shape[0] == b.shape[1]


def test_targets_are_found_by_their_last_name_and_a_wrong_one_is_refused(base):
    assert len(targets(base)) == 14 and len(targets(base, ("q_proj",))) == 2
    with pytest.raises(ValueError, match="no linear layer 'query'; it has down_proj, .*, lm_head, .*q_proj"):
        targets(base, ("query",))


def test_the_users_model_stays_as_it_is(base):
    model = tiny_model(base.state_dict())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    copied = frozen_copy(model)
    stack(copied, [Replica("pissa", 1e-3, 0)], 8)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(weight.requires_grad for weight in model.parameters())
    assert copied.model.norm.weight.data_ptr() == model.model.norm.weight.data_ptr(), "numbers are shared, not copied"
