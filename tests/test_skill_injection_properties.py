"""Merging methods against plain loops and closed forms, and what their METHODS entries do not claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_states import states, tensors

from helpers.skill_injection import METHODS, merge
from helpers.skill_injection.consensus import singular_merge
from helpers.skill_injection.cuts import counts
from helpers.skill_injection.sparsify import drop_by_rank, largest, trim, uniform, without_ends

SEEDS = st.integers(0, 10_000)
FAST = settings(max_examples=25, deadline=None)
VALUES = st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=30)


def not_stating(identity):
    return pytest.mark.parametrize("method", [name for name, about in METHODS.items()
                                              if identity not in about.identities])  # fmt: skip


# What an entry does not state, does not hold.


@not_stating("full_density_is_task_arithmetic")
def test_full_density_differs_from_task_arithmetic_where_that_is_not_stated(method):
    base, vlm, expert = states(1)
    full = {knob: 1.0 for knob in ("density", "rank_share") if knob in METHODS[method].knobs}
    merged = merge(base, vlm, expert, method, scale=0.7, **full)
    assert not torch.allclose(merged["w"], merge(base, vlm, expert, scale=0.7)["w"], atol=1e-4)


@not_stating("linear_in_scale")
def test_the_change_is_not_linear_in_the_scale_where_that_is_not_stated(method):
    base, vlm, expert = states(2)
    zero, one, two = (merge(base, vlm, expert, method, scale=scale)["w"] for scale in (0.0, 0.5, 1.0))
    assert not torch.allclose(two - zero, 2 * (one - zero), atol=1e-4)


@not_stating("expert_order")
def test_the_order_of_experts_matters_where_that_is_not_stated(method):
    base, vlm, first, second = states(3, experts=2)
    if method == "slerp":  # it takes one expert alone
        pytest.raises(ValueError, merge, base, vlm, [first, second], method)
        return
    orders = [merge(base, vlm, order, method)["w"] for order in ([first, second], [second, first])]
    assert not torch.allclose(*orders, atol=1e-4)


@not_stating("seed_repeats")
def test_methods_without_a_seed_repeat_exactly(method):
    base, vlm, expert = states(4)
    assert "seed" not in METHODS[method].knobs
    assert torch.equal(*(merge(base, vlm, expert, method)["w"] for _ in range(2)))


def test_the_mean_of_dare_ties_over_seeds_is_not_task_arithmetic():
    """Electing signs is not linear, so draws whose mean is each delta do not give the deltas' merge in the mean."""
    random = {name for name, about in METHODS.items() if "seed" in about.knobs}
    assert {name for name in random if "unbiased" not in METHODS[name].identities} == {"dare_ties"}
    base, vlm, expert = states(5)
    draws = torch.stack([merge(base, vlm, expert, "dare_ties", seed=seed)["w"] for seed in range(600)])
    off = (draws.mean(0) - merge(base, vlm, expert)["w"]).abs() / (draws.std(0) / 600**0.5)
    assert (off > 6).any(), "with 600 draws, chance reaches 6 standard errors about once in a million runs"


# Against plain loops.


@FAST
@given(VALUES, st.floats(0.01, 1.0))
def test_trim_against_a_sorted_list(values, density):
    order = sorted(range(len(values)), key=lambda place: (-abs(values[place]), place))
    kept = set(order[: max(1, int(density * len(values)))])
    wanted = [value if place in kept else 0.0 for place, value in enumerate(values)]
    assert trim(torch.tensor(values), density).tolist() == wanted


@FAST
@given(VALUES, st.floats(0.01, 1.0), st.floats(0.0, 0.9))
def test_breadcrumbs_against_a_sorted_list(values, density, top):
    order = sorted(range(len(values)), key=lambda place: (-abs(values[place]), place))
    count = max(1, int(density * len(values)))
    first = min(int(top * len(values)), len(values) - count)
    kept = set(order[first : first + count])
    wanted = [value if place in kept else 0.0 for place, value in enumerate(values)]
    assert without_ends(torch.tensor(values), density, top).tolist() == wanted
    assert counts("breadcrumbs", {"density": density, "top": top}, len(values)) == (first + count, first)


@FAST
@given(SEEDS, st.sampled_from([1, 2, 3, 17]), st.floats(0.2, 1.0), st.floats(0.0, 0.15))
def test_chances_of_della_rise_by_equal_steps_within_each_row(seed, width, density, epsilon):
    delta = tensors(seed, 1, (3, width))[0]
    ones = [drop_by_rank(delta, density, torch.full(delta.shape, level), epsilon) for level in (0.0, 0.999999)]
    chances = delta / ones[0]  # a draw of 0 keeps everything, divided by its chance
    room = min(epsilon, 1 - density)
    for row, size in zip(chances, delta.abs()):
        ends = np.linspace(density - room, density + room, width) if width > 1 else [density]
        assert np.allclose(row[size.argsort()].numpy(), ends, atol=1e-5)
    assert (ones[1] == 0)[chances < 0.9999].all()


@FAST
@given(SEEDS, st.floats(-2.0, 2.0))
def test_original_ties_against_a_loop(seed, scale):
    base, vlm, *experts = states(seed, experts=2, shape=(5,))
    merged = merge(base, vlm, experts, "ties", scale=scale, density=0.6)["w"]
    trimmed = [trim(each["w"] - base["w"], 0.6).tolist() for each in (vlm, *experts)]
    for place, start in enumerate(base["w"].tolist()):
        entries = [delta[place] for delta in trimmed]
        sign = 1 if sum(entries) >= 0 else -1
        agree = [entry for entry in entries if entry * sign > 0]
        mean = sum(agree) / len(agree) if agree else 0.0
        assert float(merged[place]) == pytest.approx(start + scale * mean, abs=1e-5)


def test_layer_swap_keeps_what_comes_before_a_layer_and_interpolates_the_rest():
    names = ["model.embed_tokens.weight", "model.layers.0.w", "model.layers.1.w", "model.layers.10.w", "lm_head.weight"]
    base, vlm, expert = ({name: value.clone() for name in names} for value in tensors(6, 3))
    for first, kept in ((0, 1), (1, 2), (2, 3), (11, 4)):
        merged = merge(base, vlm, expert, "layer_swap", first_layer=first, scale=0.3)
        for name in names[:kept]:
            assert torch.equal(merged[name], vlm[name]), (first, name)
        for name in names[kept:]:
            assert torch.allclose(merged[name], 0.7 * vlm[name] + 0.3 * expert[name], atol=1e-6), (first, name)


def test_slerp_of_two_unit_vectors_stays_on_the_circle():
    start, end = {"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 1.0])}
    for share in (0.0, 0.25, 0.5, 1.0):
        merged = merge(start, start, end, "slerp", scale=share)["w"]
        angle = share * math.pi / 2
        assert torch.allclose(merged, torch.tensor([math.cos(angle), math.sin(angle)]), atol=1e-6)


@FAST
@given(VALUES)
def test_a_mask_of_the_largest_has_exactly_its_count(values):
    for count in range(len(values) + 1):
        assert int(largest(torch.tensor(values), count).sum()) == count


# Closed forms.


def test_variance_of_dare_is_that_of_a_bernoulli_mask():
    base, vlm, expert = states(7)
    draws = torch.stack([merge(base, vlm, expert, "dare", scale=0.8, density=0.3, seed=seed)["w"]
                         for seed in range(4_000)])  # fmt: skip
    wanted = 0.8**2 * (expert["w"] - base["w"]).square() * 0.7 / 0.3
    assert torch.allclose(draws.var(0), wanted, rtol=0.15)


def test_draws_are_uniform_and_those_of_two_experts_apart():
    first, second = (uniform((400, 50), 3, "w", vector) for vector in (0, 1))
    assert abs(float(first.mean()) - 0.5) < 0.01 and abs(float(first.var()) - 1 / 12) < 0.002
    assert abs(float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])) < 0.03


def test_iso_c_has_equal_singular_values_and_keeps_their_sum():
    base, vlm, expert = states(8)
    change = merge(base, vlm, expert, "iso_c")["w"] - base["w"]
    both = vlm["w"] + expert["w"] - 2 * base["w"]
    found, before = torch.linalg.svdvals(change), torch.linalg.svdvals(both)
    assert torch.allclose(found, before.mean().expand_as(found), atol=1e-5)


def test_tsv_m_gives_back_vectors_that_do_not_overlap():
    first, second = torch.zeros(6, 8), torch.zeros(6, 8)
    first[:3, :4], second[3:, 4:] = tensors(9, 2, (3, 4))
    assert torch.allclose(singular_merge([first, second], 0.5), first + second, atol=1e-5)
    assert torch.linalg.matrix_rank(singular_merge(tensors(10, 2), 1 / 6), atol=1e-4) == 2


def test_wudi_lowers_its_own_loss():
    def loss(merged):
        return float(sum(((merged - delta) @ delta.T).square().sum() / delta.square().sum() for delta in deltas))

    base, vlm, expert = states(11)
    deltas = [vlm["w"] - base["w"], expert["w"] - base["w"]]
    found = [merge(base, vlm, expert, "wudi", steps=steps)["w"] - base["w"] for steps in (1, 100, 400)]
    losses = [loss(sum(deltas)), *map(loss, found)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("method", ["tsv_m", "iso_c", "wudi"])
def test_matrix_methods_take_the_mean_of_what_is_no_matrix(method):
    """The brief's trap: an expert that left the norms alone still halves the VLM's change of them."""
    base, vlm, _ = states(12, shape=(8,))
    merged = merge(base, vlm, base, method)["w"]
    assert torch.allclose(merged, base["w"] + 0.5 * (vlm["w"] - base["w"]), atol=1e-6)
