"""Every variant against peft: the same start, the same first gradients, the same losses over 20 steps."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import GraloraConfig, LoraConfig, RandLoraConfig, get_peft_model

from helpers.lora.models import load_base
from helpers.lora.stacked import TARGETS, Replica
from helpers.lora.tasks import new_pairs
from helpers.lora.training import Settings, Trainer, losses, order, schedule, task_gradients
from helpers.lora.variants import BLOCKS, GAMMA, METHODS, RANDLORA_SCALE

RANK, STEPS, RATE, SEED = 8, 20, 1e-3, 3
PLAIN = [name for name, method in METHODS.items() if method.factors.__name__ == "plain_factors"]
CONFIGS = {"lora": {}, "dora": {"use_dora": True}, "pissa": {"init_lora_weights": "pissa"},
           "olora": {"init_lora_weights": "olora"}, "rslora": {"use_rslora": True}, "lora_plus": {},
           "milora": {"init_lora_weights": False}, "init_ab": {"init_lora_weights": False},
           "lora_ga": {"init_lora_weights": False}}  # fmt: skip


@pytest.fixture(scope="module")
def base():
    return load_base()


@pytest.fixture(scope="module")
def task():
    return new_pairs(400, 20, 20)


@pytest.fixture(scope="module")
def gradients(base, task):
    return task_gradients(base, task)


def alone(base, method, gradients=None):
    return Trainer(base, [Replica(method, RATE, SEED)], Settings(rank=RANK), gradients)


def peft_model(base, method, ours):
    """The same fine-tuning in peft: its own start where it has one, ours where that is random or peft has none."""
    if method == "gralora":
        config = GraloraConfig(r=RANK, alpha=RANK, gralora_k=BLOCKS, target_modules=list(TARGETS))
    elif method == "randlora":
        config = RandLoraConfig(r=RANK, randlora_alpha=int(RANDLORA_SCALE * RANK), target_modules=list(TARGETS),
                                randlora_dropout=0.0)  # fmt: skip
    else:
        config = LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(TARGETS), **CONFIGS[method])
    model = get_peft_model(copy.deepcopy(base), config)
    for name, layer in ours.layers.items():
        place(method, model.base_model.model.get_submodule(name), {key: part[0] for key, part in layer.parts.items()})
    return model.train()


@torch.no_grad()
def place(method, layer, parts):
    if method == "gralora":
        layer.gralora_A["default"].copy_(parts["A"].mT)
        layer.gralora_B["default"].copy_(parts["B"].mT)
    elif method in ("pissa", "olora", "randlora"):
        return  # deterministic, or its bases are given to ours
    else:
        layer.lora_A["default"].weight.copy_(parts["A"])
        layer.lora_B["default"].weight.copy_(parts["B"])
        if METHODS[method].residual:
            layer.base_layer.weight.sub_(parts["B"] @ parts["A"])


def train_peft(model, method, task):
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    fast = [weight for name, weight in named if "lora_B" in name and "B" in METHODS[method].rates]
    slow = [weight for _, weight in named if not any(weight is other for other in fast)]
    groups = [{"params": slow, "lr": RATE}, {"params": fast, "lr": RATE * METHODS[method].rates.get("B", 1.0)}]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=0.0)
    rates = [group["lr"] for group in optimizer.param_groups]
    places, found = order(SEED, len(task.train), 16 * STEPS), []
    for step in range(STEPS):
        loss, _ = losses(model.base_model.model, task.train[places[16 * step : 16 * (step + 1)]], 1)
        optimizer.zero_grad()
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_([weight for _, weight in named], 1.0)
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate * schedule(step, STEPS)
        optimizer.step()
        found.append(float(loss.detach()))
    return found


def train_ours(trainer, task):
    places = order(SEED, len(task.train), 16 * STEPS)
    return [float(trainer.step(task.train[places[16 * step : 16 * (step + 1)]], step, schedule(step, STEPS))[0])
            for step in range(STEPS)]


def take_bases(trainer, model):
    """Give peft's frozen random bases to ours; peft orders (rank, base) in one and (base, rank) in the other."""
    a, b = (buffers["default"] for buffers in (model.base_model.randlora_A, model.base_model.randlora_B))
    for layer in trainer.layers.values():
        small, large, bases = min(layer.weight.shape), max(layer.weight.shape), layer.parts["lambda"].shape[-1]
        layer.frozen = {"small": a[None, :, 0, :small],
                        "large": b[:large, :bases].reshape(large, -1).view(1, large, RANK, bases)}  # fmt: skip


@pytest.mark.parametrize("method", [*CONFIGS, "gralora", "randlora"])
def test_twenty_steps_have_pefts_losses(method, base, task, gradients):
    ours = alone(base, method, gradients)
    theirs = peft_model(base, method, ours)
    if method == "randlora":
        take_bases(ours, theirs)
    expected = train_peft(theirs, method, task)
    assert train_ours(ours, task) == pytest.approx(expected, abs=1e-5)
    assert expected[-1] < expected[0] - 0.02, "twenty steps change something"


@pytest.mark.parametrize("method", ["pissa", "olora"])
def test_starts_are_pefts(method, base):
    ours = alone(base, method)
    theirs = peft_model(base, method, ours)
    for name, layer in ours.layers.items():
        peer = theirs.base_model.model.get_submodule(name)
        assert torch.allclose(layer.parts["A"][0], peer.lora_A["default"].weight, atol=1e-5), name
        assert torch.allclose(layer.parts["B"][0], peer.lora_B["default"].weight, atol=1e-5), name


def test_lora_starts_in_pefts_distribution(base):
    theirs = get_peft_model(copy.deepcopy(base), LoraConfig(r=64, lora_alpha=64, target_modules=["up_proj"]))
    ours = Trainer(base, [Replica("lora", RATE, seed) for seed in range(8)], Settings(rank=64, modules=("up_proj",)))
    peer = torch.cat([weight.detach().flatten() for name, weight in theirs.named_parameters() if "lora_A" in name])
    mine = torch.cat([layer.parts["A"].detach().flatten() for layer in ours.layers.values()])
    bound = 1 / base.config.hidden_size**0.5
    for values in (peer, mine):
        assert values.abs().max() < bound and float(values.std()) == pytest.approx(bound / 3**0.5, rel=0.02)


def test_pefts_own_lora_ga_starts_elsewhere(base, gradients):
    """peft's B is U diag(S) and alone is scaled; the paper's authors take U without S and scale both factors."""
    name, gradient = next(iter(gradients.items()))
    left, values, right = torch.linalg.svd(gradient, full_matrices=False)
    mine = METHODS["lora_ga"].start(base.get_submodule(name).weight, RANK, torch.Generator(), gradient)
    native = left[:, RANK : 2 * RANK] * values[RANK : 2 * RANK]
    size = len(gradient) ** 0.25 / GAMMA**0.5
    assert torch.allclose(mine["A"], size * right[:RANK], atol=1e-6)
    assert torch.allclose(mine["B"] * values[RANK : 2 * RANK], size * native, atol=1e-6)
    assert not torch.allclose(mine["B"], native, atol=1e-2)
