"""Task vectors, their lengths and angles, whose base a model has; the shipped family."""

from __future__ import annotations

import pytest
import torch
from tiny_states import model, states

from helpers.skill_injection import METHODS, Examiner, load_family, merge
from helpers.skill_injection.vectors import cosine, length, norms, same_base, task_vector


def test_vectors_by_hand():
    base, moved = {"w": torch.zeros(2, 2)}, {"w": torch.tensor([[3.0, 0.0], [0.0, 4.0]])}
    vector = task_vector(base, moved)
    assert torch.equal(vector["w"], moved["w"]) and length(vector) == 5.0
    assert cosine(vector, {"w": torch.tensor([[1.0, 0.0], [0.0, 0.0]])}) == pytest.approx(0.6)


def test_same_base_tells_fine_tuned_from_foreign():
    base = model(20)
    near, foreign = model(21, 0.2, base), model(22)
    assert same_base(base, near).same and not same_base(base, foreign).same
    assert "not made from this base" in str(same_base(base, foreign))
    permuted = near | {"model.embed_tokens.weight": near["model.embed_tokens.weight"].flip(0)}
    found = same_base(base, permuted)
    assert not found.same and found.farthest == "model.embed_tokens.weight"


def test_norms_tensor_by_tensor_and_in_all():
    base = {"a": torch.zeros(2), "b": torch.zeros(1, 1)}
    found = norms(base, {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([[4.0]])})
    assert found == {"a": 3.0, "b": 4.0, "total": 5.0}


def test_task_vectors_of_models_that_do_not_fit_are_refused_in_words():
    base, vlm, _ = states(17)
    with pytest.raises(ValueError, match="w is 7x8, the base's 6x8; another tokenizer"):
        task_vector(base, {"w": torch.zeros(7, 8)})
    with pytest.raises(ValueError, match="lacks 1 of the base's 1 tensors .first: w."):
        task_vector(base, {"v": base["w"]})
    with pytest.raises(ValueError, match="length zero has no direction"):
        cosine(task_vector(base, vlm), task_vector(base, base))


def test_another_number_of_words_is_another_base():
    base, vlm, _ = states(18)
    found = same_base(base, {"w": torch.zeros(7, 8)})
    assert not found.same and str(found) == "not made from this base (w has another shape; another vocabulary?)"
    assert same_base(base, vlm).same


# The shipped family.


@pytest.fixture(scope="module")
def family():
    return load_family()


def test_every_model_of_the_shipped_family_is_made_from_its_base_and_none_of_another(family):
    stranger = {name: tensor.flip(0) for name, tensor in family.base.items()}
    for name, state in {**family.vlms, **family.experts}.items():
        assert same_base(family.base, state).same, name
        assert not same_base(stranger, state).same, name


@pytest.mark.parametrize("method", METHODS)
def test_every_method_merges_the_shipped_family(family, method):
    vlm, knobs = family.vlms["joint"], {"steps": 2} if method == "wudi" else {}
    merged = merge(family.base, vlm, family.experts["spanish"], method, **knobs)
    assert merged.keys() == vlm.keys()
    kept = {name for name in vlm if "vision_tower" in name or "projector" in name}
    assert {name for name in vlm if torch.equal(merged[name], vlm[name])} >= kept and kept
    assert all(torch.isfinite(tensor).all() for tensor in merged.values())
    assert length({name: merged[name] - vlm[name] for name in vlm}) > 0.1


def test_task_arithmetic_teaches_the_shipped_vlm_spanish_and_the_forgotten_rescale_does_not(family):
    examiner, vlm, expert = Examiner(family), family.vlms["joint"], family.experts["spanish"]
    shrunk = merge(family.base, vlm, expert, scale=0.2)  # DARE at density 0.2 without its rescale, in the mean
    before, after, forgotten = (examiner.score(state, "spanish") for state in
                                (vlm, merge(family.base, vlm, expert, scale=1.0), shrunk))  # fmt: skip
    assert before < 0.05 and after > 0.6 and forgotten < 0.3
