"""The plan of a merge: its rules for names, dtypes, shapes and heads, and what its errors say."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_up_tensors import language, plan, vision_language

from helpers.skill_injection.pairing import Pair, plan_pairs, without_tied_head


def test_every_tensor_of_the_vlm_has_its_pair_in_order():
    vlm = vision_language()
    pairs = plan_pairs(vlm, language(), language())
    assert [pair.vlm for pair in pairs] == list(vlm)
    name = "model.layers.0.mlp.up_proj.weight"
    assert pairs[1] == Pair(f"language_model.{name}", name, (name,), "merge", "language model", (6, 4), "F32")
    assert pairs[-1] == Pair("multi_modal_projector.linear_1.weight", None, (), "keep", "projector", (4, 4), "F32")


@given(st.randoms(use_true_random=False))
def test_the_order_of_names_changes_no_pair(shuffler: random.Random):
    def shuffled(tensors):
        return dict(shuffler.sample(list(tensors.items()), len(tensors)))

    assert plan(shuffled(vision_language()), shuffled(language()), shuffled(language())) == plan()


def test_several_experts_each_under_its_own_names():
    bare = language(prefix="")
    pair = plan(expert=[language(), bare])["language_model.model.norm.weight"]
    assert pair.experts == ("model.norm.weight", "norm.weight") and pair.expert == "model.norm.weight"


def test_other_dtypes_are_merged_and_the_vlms_is_kept():
    pairs = plan(vision_language(dtype="BF16"), language(dtype="F16"), language(dtype="F32"))
    assert {pair.dtype for pair in pairs.values() if pair.action == "merge"} == {"BF16"}
    states = [{name: (shape, torch.float16) for name, (shape, _) in each.items()}
              for each in (vision_language(), language(), language())]  # fmt: skip
    assert all(pair.action == "merge" for pair in plan_pairs(*states)[:5])


@pytest.mark.parametrize("dtype", ["U8", "I8", "F8_E4M3", torch.uint8, torch.float8_e4m3fn])
def test_quantised_weights_are_an_error(dtype):
    expert = language() | {"model.layers.0.mlp.up_proj.weight": ((6, 4), dtype)}
    with pytest.raises(ValueError, match="the expert's .*up_proj.weight is .*expected float64.*quantise"):
        plan(expert=expert)


def test_an_adapter_is_an_error():
    with pytest.raises(ValueError, match="the expert is a LoRA adapter .*merge_and_unload"):
        plan(expert={"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": ((2, 4), "F32")})


@pytest.mark.parametrize("who, at", [("the VLM", 0), ("the expert", 2)])
def test_missing_tensors_are_named(who, at):
    sides = [vision_language(), language(), language()]
    sides[at] = {name: about for name, about in sides[at].items() if "up_proj" not in name}
    with pytest.raises(ValueError, match=f"expected the base's 5 tensors, but {who} lacks 1 of its tensors "
                                         r"\(model.layers.0.mlp.up_proj.weight\)"):  # fmt: skip
        plan(*sides)


@pytest.mark.parametrize("who, at", [("the VLM", 0), ("the expert", 2)])
def test_extra_tensors_are_named(who, at):
    sides = [vision_language(), language(), language()]
    prefix = "language_model.model." if at == 0 else "model."
    sides[at] |= {f"{prefix}layers.{layer}.norm.weight": ((4,), "F32") for layer in range(1, 6)}
    with pytest.raises(ValueError, match=rf"{who} has 5 more \({prefix}layers.1.norm.weight, .* and 2 more\)"):
        plan(*sides)


def test_a_reward_models_head_is_extra():
    with pytest.raises(ValueError, match=r"the expert has 1 more \(score.weight\)"):
        plan(expert=language() | {"score.weight": ((1, 4), "F32")})


def test_unknown_parts_of_a_vlm_are_kept_and_say_so():
    pair = plan(vision_language() | {"audio_tower.weight": ((4, 4), "F32")})["audio_tower.weight"]
    assert (pair.action, pair.reason) == ("keep", "the base has no such tensor")


def test_computed_buffers_need_no_partner_on_any_side():
    buffer = {"model.layers.0.self_attn.rotary_emb.inv_freq": ((2,), "F32")}
    ours = {f"language_model.{name}": about for name, about in buffer.items()}
    assert plan(base=language() | buffer) == plan(expert=language() | buffer) == plan()
    pair = plan(vision_language() | ours)["language_model.model.layers.0.self_attn.rotary_emb.inv_freq"]
    assert (pair.action, pair.reason) == ("keep", "computed from the configuration")


def test_models_that_have_nothing_in_common():
    base = {"transformer.h.0.attn.c_attn.weight": ((4, 12), "F32")}
    with pytest.raises(ValueError, match="no partner for any tensor of the VLM of type mllama .*c_attn"):
        plan(base=base, expert=base, model_type="mllama")


def test_other_shapes_are_named_with_all_sizes():
    expert = language() | {"model.layers.0.mlp.up_proj.weight": ((7, 4), "F32")}
    with pytest.raises(ValueError, match=r"shapes differ in 1 of 5 tensors: language_model.*up_proj.weight "
                                         r"6x4 \(the VLM\) against 6x4 \(the base\) against 7x4 \(the expert\)"):
        plan(expert=expert)


def test_embeddings_may_differ_in_rows_only():
    expert = language() | {"model.embed_tokens.weight": ((8, 5), "F32")}
    with pytest.raises(ValueError, match="embed_tokens.weight 8x4"):
        plan(expert=expert)


def test_a_vlm_and_a_base_that_are_both_tied():
    pairs = plan(vision_language(head=False), language(head=False), language(head=False))
    assert sum(pair.action == "merge" for pair in pairs.values()) == 4


def test_an_untied_vlm_of_a_tied_base():
    """SmolVLM2 of SmolLM2: the embedding's change goes to the head too."""
    pair = plan(base=language(head=False), expert=language(head=False))["language_model.lm_head.weight"]
    assert (pair.base, pair.expert) == ("model.embed_tokens.weight", "model.embed_tokens.weight")
    assert pair.reason == "language model; tied in the base and the expert: the embedding stands for the head"


def test_a_tied_expert_whose_file_has_the_head_all_the_same():
    pair = plan(base=language(head=False))["language_model.lm_head.weight"]
    assert (pair.base, pair.expert) == ("model.embed_tokens.weight", "lm_head.weight")


def test_a_head_with_no_place_in_the_result_is_an_error_unless_it_is_a_copy():
    tied = vision_language(head=False), language(head=False)
    with pytest.raises(ValueError, match=r"the expert has a head of its own \(lm_head.weight\).*tie_word_embeddings"):
        plan(*tied, language())
    expert = without_tied_head(language(), {"tie_word_embeddings": True})
    assert plan(*tied, expert) == plan(*tied, language(head=False))


def test_an_expert_that_lost_its_head_is_an_error():
    with pytest.raises(ValueError, match="the expert has no lm_head.weight, the base has one"):
        plan(expert=language(head=False))


@pytest.mark.parametrize("config, tied", [
    ({"tie_word_embeddings": True}, True), ({"tie_word_embeddings": False, "model_type": "gemma"}, False),
    ({"model_type": "gemma"}, True), ({"model_type": "llama"}, False), ({"model_type": "unheard_of"}, False),
    ({"text_config": {"tie_word_embeddings": True}}, True), ({}, False)])  # fmt: skip
def test_what_a_configuration_says_of_the_head(config, tied):
    assert without_tied_head(language(), config) == language(head=not tied)


def test_a_head_stays_where_there_is_no_embedding():
    only_head = {"lm_head.weight": ((8, 4), "F32")}
    assert without_tied_head(only_head, {"tie_word_embeddings": True}) == only_head
