"""What merge takes: any shape, any float type, settings in range; the rest is refused in words."""

from __future__ import annotations

import pytest
import torch
from tiny_states import models, states

from helpers.skill_injection import METHODS, merge


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_is_the_merge_in_float32_rounded_once(method, dtype):
    half = [{"w": each["w"].to(dtype)} for each in states(13)]
    whole = [{"w": each["w"].float()} for each in half]
    assert torch.equal(merge(*half, method)["w"], merge(*whole, method)["w"].to(dtype))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (4, 1), (1, 5), (2, 3, 4)])
def test_every_shape_of_tensor_is_merged_to_finite_numbers(method, shape):
    base, vlm, expert = states(14, shape=shape)
    merged = merge(base, vlm, expert, method)["w"]
    assert merged.shape == shape and torch.isfinite(merged).all()


@pytest.mark.parametrize("method, knobs, words", [
    ("della", {"density": 0.1}, "epsilon is at least 0 and below the density 0.1, got 0.1"),
    ("della", {"epsilon": -0.1}, "epsilon is at least 0"),
    ("breadcrumbs", {"top": 1.0}, "top is a share from 0 to below 1, got 1.0"),
    ("tsv_m", {"rank_share": 0.0}, "rank_share is a share above 0"),
    ("wudi", {"steps": 0}, "steps and learning_rate are above 0, got 0"),
    ("ties", {"density": float("nan")}, "density is a share above 0 and at most 1, got nan"),
])  # fmt: skip
def test_knobs_out_of_range_are_refused_in_words(method, knobs, words):
    with pytest.raises(ValueError, match=words):
        merge(*states(15), method, **knobs)


def test_other_bad_input_is_refused_in_words():
    base, vlm, expert = states(16)
    with pytest.raises(ValueError, match="expert is an empty list"):
        merge(base, vlm, [])
    with pytest.raises(ValueError, match="only='layer5' matches none of the base's 1 tensors .first: w."):
        merge(base, vlm, expert, only="layer5")
    with pytest.raises(ValueError, match="w of the VLM has NaN"):
        merge(base, {"w": vlm["w"] * torch.nan}, expert)
    with pytest.raises(ValueError, match="w of expert 1 has NaN"):
        merge(base, vlm, [expert, {"w": vlm["w"] * torch.inf}])


@pytest.mark.parametrize("change, words", [
    (dict(method="tie"), "method is one of .*ties_sum.*got 'tie'"),
    (dict(method="linear", form="injection"), "linear has the form interpolation"),
    (dict(method="task_arithmetic", density=0.5), "no knob density; it takes scale"),
    (dict(method="dare", density=0.0), "density is a share above 0"),
    (dict(method="dare", density=1.5), "density is a share above 0"),
    (dict(scale=float("nan")), "scale is a finite number"),
    (dict(scale=[0.1, 0.2]), "one scale for each of 1 experts, got 2"),
])  # fmt: skip
def test_bad_settings_are_refused_in_words(change, words):
    base, vlm, expert = models(12)
    with pytest.raises(ValueError, match=words):
        merge(base, vlm, expert, **change)


def test_bad_models_are_refused_in_words():
    base, vlm, expert = models(13)
    with pytest.raises(ValueError, match="the expert lacks 1 of the base's tensors .first: lm_head.weight"):
        merge(base, vlm, {name: tensor for name, tensor in expert.items() if name != "lm_head.weight"})
    with pytest.raises(ValueError, match="the VLM lacks 1 of the base's 5 tensors"):
        merge(base, {name: tensor for name, tensor in vlm.items() if "embed" not in name}, expert)
    with pytest.raises(ValueError, match="10x6 against 9x6; another tokenizer"):
        merge(base, vlm, expert | {"lm_head.weight": torch.zeros(10, 6)})
    with pytest.raises(ValueError, match="lm_head.weight of the expert has NaN"):
        merge(base, vlm, expert | {"lm_head.weight": torch.full((9, 6), torch.nan)})
    with pytest.raises(ValueError, match="one scale for all vectors together"):
        merge(base, vlm, [expert, expert], "ties", scale=[0.1, 0.2])
    with pytest.raises(ValueError, match="slerp goes between the VLM and one expert"):
        merge(base, vlm, [expert, expert], "slerp")
