"""The largest eigenvalue against the dense Hessian of an installed adapter, and the saddle of vanilla LoRA."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator
from torch.func import functional_call, hessian
from transformers import LlamaConfig, LlamaForCausalLM

from helpers.lora.hessian import WeightCurvature, top_eigenvalue
from helpers.lora.models import config, load_base
from helpers.lora.stacked import Replica, stack
from helpers.lora.tasks import Texts, command_texts
from helpers.lora.training import frozen_copy, losses
from helpers.lora.variants import METHODS

STARTS = ("lora", "pissa", "milora", "init_ab", "olora", "lora_ga", "rslora")
QUERY, UP = "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj"
RANK = 2


@pytest.fixture(scope="module")
def small():
    """A Llama of one layer of width 8 in float64, and four texts."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=20, hidden_size=8, intermediate_size=12, num_hidden_layers=1,
                                         num_attention_heads=2, num_key_value_heads=1, attn_implementation="eager",
                                         initializer_range=0.4)).double().eval()  # fmt: skip
    ids = torch.randint(0, 20, (4, 7))
    return model, Texts(ids, ids)


def parts_of(model, module, method):
    weight = model.get_submodule(module).weight.detach()
    gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3), dtype=weight.dtype)
    start = METHODS[method].start(weight, RANK, Generator().manual_seed(0), gradient)
    return weight, gradient, start["A"].to(weight.dtype), start["B"].to(weight.dtype)


def dense(model, texts, module, method, scale):
    """The Hessian of the loss in (B, A) with the adapter installed, entry by entry."""
    weight, _, a, b = parts_of(model, module, method)
    rest = weight - scale * b @ a if METHODS[method].residual else weight

    def loss(flat):
        new_b, new_a = flat[: b.numel()].view_as(b), flat[b.numel() :].view_as(a)
        logits = functional_call(model, {f"{module}.weight": rest + scale * new_b @ new_a}, (texts.ids,)).logits
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), texts.labels[:, 1:].flatten())

    return hessian(loss)(torch.cat([b.flatten(), a.flatten()])).detach()


@pytest.mark.parametrize("module", [QUERY, UP])
@pytest.mark.parametrize("method", STARTS)
def test_the_operator_is_the_dense_hessian(method, module, small):
    model, texts = small
    scale = METHODS[method].scale(RANK, RANK)
    wanted = dense(model, texts, module, method, scale)
    _, gradient, a, b = parts_of(model, module, method)
    operator = WeightCurvature(model, module, texts).adapter(a, b, scale)
    found = np.stack([operator.matvec(row) for row in np.eye(operator.shape[0])])
    assert np.allclose(found, wanted.numpy(), atol=2e-6), "transformers' norms compute in float32"
    top = float(torch.linalg.eigvalsh(wanted)[-1])
    assert top_eigenvalue(model, module, method, texts, RANK, gradient=gradient) == pytest.approx(top, rel=6e-3)


def test_vanilla_lora_starts_on_a_saddle(small):
    """A's own block is zero, the mixed block is made of s G, and lambda_max is at least s sigma_1(G) where P >= 0."""
    model, texts = small
    wanted = dense(model, texts, QUERY, "lora", 1.0)
    half = 8 * RANK
    assert wanted[half:, half:].abs().max() < 1e-9
    gradient = WeightCurvature(model, QUERY, texts).gradient
    mixed = torch.einsum("ij,kl->ikjl", gradient, torch.eye(RANK, dtype=gradient.dtype))  # (m, r, n, r)
    assert torch.allclose(wanted[:half, half:], mixed.permute(0, 1, 3, 2).reshape(half, half), atol=2e-6)
    values = torch.linalg.eigvalsh(wanted)
    assert values[0] < 0 < values[-1]


def test_every_module_of_the_base_bends_at_least_as_its_gradient_is_long():
    base, texts = load_base(), command_texts(5, 32)
    for module in (QUERY, UP, "model.layers.1.self_attn.v_proj"):
        curvature = WeightCurvature(base, module, texts)
        size = float(torch.linalg.matrix_norm(curvature.gradient, 2))
        assert curvature.top_eigenvalue("lora") > 0.995 * size, "to within the eigenvalue's half percent"


def test_products_are_second_derivatives(small):
    model, texts = small
    curvature = WeightCurvature(model, UP, texts)
    direction = torch.randn(12, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    moved = []
    for step in (1e-3, -1e-3):
        weight = model.get_submodule(UP).weight
        with torch.no_grad():
            weight += step * direction
        moved.append(WeightCurvature(model, UP, texts).gradient)
        with torch.no_grad():
            weight -= step * direction
    assert torch.allclose(curvature.times(direction), (moved[0] - moved[1]) / 2e-3, atol=1e-3)
    loss, _ = losses(model, texts, 1)
    assert torch.allclose(curvature.gradient, torch.autograd.grad(loss.sum(), model.get_submodule(UP).weight)[0])


@pytest.mark.parametrize("method, rank, words", [
    ("dora", 2, "defined for LoRA and its other starts, not for DoRA"), ("gralora", 2, "not for GraLoRA"),
    ("lora_ga", 5, "LoRA-GA has rank 4 at most"), ("pissa", 9, "PiSSA has rank 8 at most"),
    ("lora_ga", 2, "expected a gradient of W's shape, got None"),
])  # fmt: skip
def test_what_has_no_such_block_is_refused_in_words(method, rank, words, small):
    model, texts = small
    with pytest.raises(ValueError, match=words):
        top_eigenvalue(model, QUERY, method, texts, rank)


def test_products_are_those_of_curvlinops():
    """With the adapter installed and tanh for silu, which has no forward-mode derivative."""
    peer = pytest.importorskip("curvlinops", reason="curvlinops is not installed: make test installs it")
    configuration = config()
    configuration.hidden_act = "tanh"
    base, texts = LlamaForCausalLM(configuration).eval(), command_texts(5, 16)
    base.load_state_dict(load_base().state_dict())
    model = frozen_copy(base)
    model.set_attn_implementation("eager")
    (layer,) = (found for name, found in stack(model, [Replica("pissa", 1e-3, 0)], 8, names=("q_proj",)).items()
                if name == QUERY)  # fmt: skip
    known = texts.labels[:, 1:] != -100

    class Answers(torch.nn.Module):
        """The logits at the places that have a label."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids):
            return self.model(input_ids=ids, use_cache=False).logits[:, :-1][known]

    data = [(texts.ids, texts.labels[:, 1:][known])]
    theirs = peer.HessianLinearOperator(Answers(), torch.nn.CrossEntropyLoss(), [layer.parts["B"], layer.parts["A"]],
                                        data, check_deterministic=False)  # fmt: skip
    a, b = (layer.parts[name][0].detach() for name in "AB")
    ours = WeightCurvature(base, QUERY, texts).adapter(a, b, 1.0)
    for seed in range(3):
        vector = torch.randn(ours.shape[0], generator=torch.Generator().manual_seed(seed))
        found, wanted = ours.matvec(vector.numpy()), (theirs @ vector).detach().numpy()
        assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
