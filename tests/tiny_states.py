"""State dicts of the tests: random tensors, alone or named as a Llama's and a VLM's."""

import torch

SHAPES = {"model.embed_tokens.weight": (9, 6), "model.layers.0.mlp.weight": (5, 6), "model.layers.1.mlp.weight": (7, 4),
          "model.layers.1.norm.weight": (6,), "lm_head.weight": (9, 6)}  # fmt: skip


def model(seed, size=1.0, base=None):
    rng = torch.Generator().manual_seed(seed)
    return {name: (0 if base is None else base[name]) + size * torch.randn(shape, generator=rng)
            for name, shape in SHAPES.items()}


def models(seed, experts=1, dtype=torch.float32):
    base = model(seed)
    seen = model(seed + 1, 0.1, base)
    state = {name.replace("model.", "model.language_model."): tensor for name, tensor in seen.items()}
    state["model.vision_tower.weight"] = torch.ones(3)
    others = [model(seed + 2 + place, 0.2, base) for place in range(experts)]
    return tuple({name: tensor.to(dtype) for name, tensor in each.items()} for each in (base, state, *others))


def tensors(seed, count, shape=(6, 8)):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=rng) for _ in range(count)]


def states(seed, experts=1, shape=(6, 8)):
    base, *changes = tensors(seed, 2 + experts, shape)
    return {"w": base}, *({"w": base + 0.2 * change} for change in changes)
