"""Training on images: a tower that tells digits apart, and a VLM made of it and the base."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPVisionModel, LlavaForConditionalGeneration

from .batches import answer_loss, encode, encode_examples, packed_loss
from .images import digits
from .language import ENGLISH, IMAGE, document, image_example
from .models import State, state_of, vision_config, vision_language_model
from .training import BATCH, fit, schedule


def train_vision(seed: int, steps: int = 400) -> State:
    """Return a vision tower trained to tell digits apart from the mean of its patches; the classifier is dropped."""
    torch.manual_seed(seed)
    tower, head = CLIPVisionModel(vision_config()), nn.Linear(64, 10)
    train, rng = digits(seed)["train"], np.random.default_rng([seed, 4])
    truth = torch.tensor(train.digits)

    def loss() -> Tensor:
        places = torch.tensor(rng.integers(0, len(truth), 128))
        patches = tower(train.pixels[places]).last_hidden_state[:, 1:]  # (batch, patches, width)
        return F.cross_entropy(head(patches.mean(1)), truth[places])

    fit([*tower.parameters(), *head.parameters()], loss, schedule(steps, 3e-3))
    return state_of(tower)


def assemble(base: State, tower: State, seed: int) -> LlavaForConditionalGeneration:
    """Return a VLM of the base and the tower with a random projector."""
    torch.manual_seed(seed + 1_000)
    model = vision_language_model()
    model.model.language_model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in base.items()
                                                if name.startswith("model.")})  # fmt: skip
    model.lm_head.load_state_dict({"weight": base["lm_head.weight"]})
    model.model.vision_tower.load_state_dict(tower)
    return model


@torch.no_grad()
def image_features(model, pixels: Float[Tensor, "images 1 8 8"]) -> Float[Tensor, "images patches width"]:
    """Return the tower's patch states, which the projector reads."""
    return model.model.vision_tower(pixels).last_hidden_state[:, 1:]


def embed(table: nn.Embedding, ids: Int[Tensor, "texts length"], soft: Float[Tensor, "texts patches width"]) -> Tensor:
    """Return the input embeddings (texts, length, width), image tokens replaced by the projected patches."""
    return table(ids).masked_scatter((ids == IMAGE)[..., None], soft)


def language_half(vlm) -> nn.Module:
    """Return a VLM's language model, its weights shared, with the parts' names of `LlamaForCausalLM`."""
    half = nn.Module()
    half.model, half.lm_head = vlm.model.language_model, vlm.lm_head
    return half


def vlm_loss(model, seed: int) -> Callable[[], Tensor]:
    """Return a function that gives the loss of plain English about a fresh batch of images, with some rereading.

    The base's documents are reread at weight .25, 16 a step; the tower is frozen, its features computed once.
    """
    rng, train = np.random.default_rng([seed, 5]), digits(seed)["train"]
    features, text = image_features(model, train.pixels), language_half(model)

    def loss() -> Tensor:
        places = rng.integers(0, len(train.digits), BATCH)
        ids, labels = encode_examples([image_example(ENGLISH, int(train.digits[place]), rng) for place in places])
        soft = model.model.multi_modal_projector(features[torch.tensor(places)])
        seen = answer_loss(text, labels, inputs_embeds=embed(model.get_input_embeddings(), ids, soft))
        return seen + 0.25 * packed_loss(text, *encode([document(rng) for _ in range(16)]))

    return loss


def train_vlm(base: State, tower: State, seed: int, recipe: str) -> State:
    """Return a VLM: base, frozen tower and projector tuned on plain English questions about images.

    recipe "joint": projector and language model together, 700 steps at 3e-4. "two_stage", as LLaVA: the projector
    alone for 200 steps at 3e-3, then both for 500 at 7e-4. Raises ValueError for another recipe.
    """
    model = assemble(base, tower, seed).train()
    loss, projector = vlm_loss(model, seed), list(model.model.multi_modal_projector.parameters())
    both = [*projector, *language_half(model).parameters()]
    if recipe == "two_stage":
        fit(projector, loss, schedule(200, 3e-3))
        fit(both, loss, schedule(500, 7e-4))
    elif recipe == "joint":
        fit(both, loss, schedule(700, 3e-4))
    else:
        raise ValueError(f"expected the recipe 'joint' or 'two_stage', got {recipe!r}")
    return state_of(model)
