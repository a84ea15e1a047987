"""Every merging method: the identities that its entry in METHODS states, what it does not state, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_states import models

from helpers.skill_injection import METHODS, merge

EACH = pytest.mark.parametrize("method", METHODS)
SEEDS = st.integers(0, 10_000)
FAST = settings(max_examples=15, deadline=None)


def knobs_of(method, draw):
    """Settings of a method's knobs but the scale, drawn by hypothesis."""
    offered = {"density": st.floats(0.2, 1.0), "top": st.floats(0.0, 0.2), "epsilon": st.floats(0.0, 0.1),
               "rank_share": st.floats(0.2, 1.0), "seed": SEEDS, "first_layer": st.integers(0, 2),
               "steps": st.just(5), "learning_rate": st.just(1e-3)}  # fmt: skip
    return {knob: draw(offered[knob]) for knob in METHODS[method].knobs if knob != "scale"}


def close(one, other, tolerance=1e-5):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.allclose(one[name].float(), other[name].float(), atol=tolerance), name


def stating(identity, stated=True):
    return pytest.mark.parametrize("method", [name for name, about in METHODS.items()
                                              if (identity in about.identities) == stated])  # fmt: skip


def test_every_stated_identity_is_one_of_those_tested_here():
    known = {"scale_zero_is_vlm", "equal_expert_is_vlm", "full_density_is_task_arithmetic", "linear_in_scale",
             "expert_order", "seed_repeats", "unbiased"}  # fmt: skip
    assert set().union(*(about.identities for about in METHODS.values())) == known


@EACH
def test_result_has_the_vlms_tensors_and_the_inputs_stay(method):
    base, vlm, expert = models(3, dtype=torch.float16)
    before = [{name: tensor.clone() for name, tensor in each.items()} for each in (base, vlm, expert)]
    merged = merge(base, vlm, expert, method)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in merged.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in vlm.items()}  # fmt: skip
    assert torch.equal(merged["model.vision_tower.weight"], vlm["model.vision_tower.weight"])
    for was, now in zip(before, (base, vlm, expert)):
        assert all(torch.equal(was[name], now[name]) for name in was)
    assert not torch.equal(merged["lm_head.weight"], vlm["lm_head.weight"])


@stating("scale_zero_is_vlm")
@FAST
@given(data=st.data(), seed=SEEDS)
def test_scale_zero_gives_the_vlm(method, data, seed):
    base, vlm, expert = models(seed)
    close(merge(base, vlm, expert, method, scale=0.0, **knobs_of(method, data.draw)), vlm)


@stating("scale_zero_is_vlm", stated=False)
def test_scale_zero_does_not_give_the_vlm_where_that_is_not_stated(method):
    base, vlm, expert = models(5)
    merged = merge(base, vlm, expert, method, scale=0.0)
    assert any(not torch.allclose(merged[name], vlm[name], atol=1e-5) for name in vlm)


@stating("equal_expert_is_vlm")
@FAST
@given(data=st.data(), seed=SEEDS, scale=st.floats(-2, 3))
def test_an_expert_equal_to_the_base_changes_nothing(method, data, seed, scale):
    base, vlm, _ = models(seed)
    close(merge(base, vlm, base, method, scale=scale, **knobs_of(method, data.draw)), vlm)


@stating("equal_expert_is_vlm", stated=False)
def test_an_expert_equal_to_the_base_changes_something_where_that_is_not_stated(method):
    base, vlm, _ = models(6)
    merged = merge(base, vlm, base, method, scale=0.7)
    assert any(not torch.allclose(merged[name], vlm[name], atol=1e-5) for name in vlm)


@stating("full_density_is_task_arithmetic")
@FAST
@given(seed=SEEDS, scale=st.floats(-1, 2))
def test_full_density_is_task_arithmetic(method, seed, scale):
    base, vlm, expert = models(seed)
    full = {"density": 1.0} if "density" in METHODS[method].knobs else {}
    close(merge(base, vlm, expert, method, scale=scale, **full), merge(base, vlm, expert, scale=scale))


def test_task_arithmetic_is_the_vlm_plus_scale_times_the_difference():
    base, vlm, expert = models(7)
    merged = merge(base, vlm, expert, "task_arithmetic", scale=0.4)
    for name in base:
        inside = name.replace("model.", "model.language_model.")
        assert torch.allclose(merged[inside], vlm[inside] + 0.4 * (expert[name] - base[name]), atol=1e-6)


@stating("linear_in_scale")
@FAST
@given(data=st.data(), seed=SEEDS)
def test_the_change_is_linear_in_the_scale(method, data, seed):
    base, vlm, expert = models(seed)
    knobs = knobs_of(method, data.draw)
    zero, one, two = (merge(base, vlm, expert, method, scale=scale, **knobs) for scale in (0.0, 0.5, 1.0))
    close({name: two[name] - zero[name] for name in vlm}, {name: 2 * (one[name] - zero[name]) for name in vlm}, 1e-4)


@stating("expert_order")
@FAST
@given(data=st.data(), seed=SEEDS)
def test_the_order_of_experts_does_not_matter(method, data, seed):
    base, vlm, *experts = models(seed, experts=3)
    knobs = knobs_of(method, data.draw)
    scales = [0.4, 0.4, 0.4] if METHODS[method].one_scale else [0.2, 0.5, 0.3]
    order = [2, 0, 1]
    close(merge(base, vlm, experts, method, scale=scales, **knobs),
          merge(base, vlm, [experts[place] for place in order], method, scale=[scales[place] for place in order],
                **knobs), 1e-3)  # fmt: skip


@stating("seed_repeats")
@FAST
@given(data=st.data(), seed=SEEDS)
def test_a_seed_repeats_and_another_differs(method, data, seed):
    base, vlm, expert = models(seed)
    knobs = knobs_of(method, data.draw) | {"density": 0.5}
    once, again = (merge(base, vlm, expert, method, **knobs) for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in vlm)
    other = merge(base, vlm, expert, method, **(knobs | {"seed": knobs["seed"] + 1}))
    assert any(not torch.equal(once[name], other[name]) for name in vlm)


@stating("unbiased")
def test_the_mean_over_seeds_is_task_arithmetic(method):
    base, vlm, expert = models(8)
    draws = [merge(base, vlm, expert, method, scale=1.0, density=0.4, seed=seed) for seed in range(1_500)]
    wanted = merge(base, vlm, expert, scale=1.0)
    for name in vlm:
        values = torch.stack([draw[name] for draw in draws])
        error = (values.mean(0) - wanted[name]).abs() / (values.std(0) / 1_500**0.5 + 1e-9)
        assert error.max() < 5 or torch.allclose(values.mean(0), wanted[name]), name


def test_random_draws_do_not_depend_on_other_tensors_or_blocks_of_rows():
    from helpers.skill_injection.merging import check_settings, merge_tensor

    about, form, knobs = check_settings("dare", None, {"density": 0.3, "seed": 4}, 1)
    rng = torch.Generator().manual_seed(0)
    base, vlm, expert = (torch.randn(700, 3, generator=rng) for _ in range(3))
    whole = merge_tensor("w", base, vlm, [expert], about, form, knobs)
    parts = [merge_tensor("w", base[a:b], vlm[a:b], [expert[a:b]], about, form, knobs, first_row=a)
             for a, b in ((0, 256), (256, 512), (512, 700))]  # fmt: skip
    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(whole, merge({"w": base, "v": vlm}, {"w": vlm, "v": vlm}, {"w": expert, "v": vlm}, "dare",
                                    density=0.3, seed=4)["w"])  # fmt: skip


def test_only_leaves_the_rest_the_vlms():
    base, vlm, expert = models(9)
    for only in (r"layers\.1\.", lambda name: "layers.1." in name):
        merged = merge(base, vlm, expert, only=only)
        changed = {name for name in vlm if not torch.equal(merged[name], vlm[name])}
        assert changed == {"model.language_model.layers.1.mlp.weight", "model.language_model.layers.1.norm.weight"}


def test_two_experts_are_two_merges_for_task_arithmetic():
    base, vlm, first, second = models(10, experts=2)
    both = merge(base, vlm, [first, second], scale=[0.3, 0.6])
    inside = merge(base, merge(base, vlm, first, scale=0.3), second, scale=0.6)
    close(both, inside)


def test_forms_differ_where_the_vlms_own_delta_is_treated():
    base, vlm, expert = models(11)
    injected = merge(base, vlm, expert, "dare", density=0.4, seed=1)
    both = merge(base, vlm, expert, "dare", form="two_vector", density=0.4, seed=1)
    close(both, merge(base, vlm, expert, "dare_both", density=0.4, seed=1))
    assert any(not torch.allclose(injected[name], both[name]) for name in vlm)
    close(merge(base, vlm, expert, form="two_vector", scale=0.7), merge(base, vlm, expert, scale=0.7))


def test_ties_of_three_libraries_on_four_numbers():
    base, seen = {"w": torch.zeros(4)}, {"w": torch.tensor([1.0, 1.0, -1.0, 0.5])}
    learnt = {"w": torch.tensor([1.0, -2.0, 0.5, 0.0])}

    def found(method, scale):
        return merge(base, seen, learnt, method, scale=scale, density=1.0)["w"].tolist()

    assert found("ties", 1.0) == [1.0, -2.0, -1.0, 0.5]  # fusion_bench, mean
    assert found("ties_mean", 0.5) == [1.0, 1.0, -1.0, 0.5]  # mergekit, normalised
    assert found("ties_sum", 0.5) == [1.5, 1.0, -1.0, 0.5]  # mergekit, not normalised
    assert found("ties_sum", 1.0) == [2.0, -2.0, -1.0, 0.5]  # fusion_bench, sum


def test_largest_keeps_exactly_as_many_as_asked_among_equals():
    from helpers.skill_injection.sparsify import largest

    values = torch.tensor([1.0, -1.0, 1.0, 0.5, 2.0])
    assert largest(values, 3).tolist() == [True, True, False, False, True]
    assert [int(largest(torch.zeros(7), count).sum()) for count in range(8)] == list(range(8))
    assert np.array_equal(largest(values, 9).numpy(), np.ones(5, bool))
