"""Training the family: a base that reads, a VLM that sees, experts that learn one skill from text alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPVisionModel

from .images import Images, digits
from .language import ENGLISH, IMAGE, PAD, SKILLS, Example, document, image_example, text_example, tokenizer
from .models import State, language_model, state_of, vision_config, vision_language_model

IGNORED = -100
BATCH = 64
EXPERT_STEPS = {"format": 500, "spanish": 500, "one_step": 700, "two_steps": 1_000}


def encode(texts: list[str], answers: list[str] | None = None) -> tuple[Tensor, Tensor]:
    """Return token ids and labels (texts, length), padded on the right; with answers only their tokens are labels."""
    encoder = tokenizer()
    full = texts if answers is None else [f"{text} {answer} <eos>" for text, answer in zip(texts, answers)]
    ids = encoder(full, padding=True, return_tensors="pt")["input_ids"]
    labels = ids.masked_fill(ids == PAD, IGNORED)
    if answers is not None:
        starts = torch.tensor([len(text.split()) for text in texts])
        labels = labels.masked_fill(torch.arange(ids.shape[1]) < starts[:, None], IGNORED)
    return ids, labels


def encode_examples(examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Return token ids and labels (examples, length); only answers and their <eos> are labels."""
    return encode([example.prompt for example in examples], [example.answer for example in examples])


def answer_loss(model, labels: Tensor, **inputs) -> Tensor:
    """Return the mean cross-entropy at the labelled places; the head is applied to those alone."""
    hidden = model.model(**inputs).last_hidden_state[:, :-1]  # (batch, length - 1, width)
    targets = labels[:, 1:]
    known = targets != IGNORED
    return F.cross_entropy(model.lm_head(hidden[known]), targets[known])


def rate_at(step: int, steps: int, warm_up: int = 50) -> float:
    """Return the factor of the learning rate: a linear warm-up, then a cosine down to 5 %."""
    share = max(0, step - warm_up) / max(1, steps - warm_up)
    return min(1, (step + 1) / warm_up) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def fit(parameters, loss_at: Callable[[], Tensor], steps: int, learning_rate: float, progress=None) -> None:
    """Minimise `loss_at()` in place by AdamW with warm-up, cosine and clipping at 1.

    progress: wraps the range of steps, as `tqdm` does.
    """
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    for step in (progress or iter)(range(steps)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * rate_at(step, steps)
        optimizer.zero_grad()
        loss_at().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def train_base(seed: int, steps: int = 2_000, progress=None) -> State:
    """Return the base: a language model that has read `document`s, all tokens counted."""
    torch.manual_seed(seed)
    model, rng = language_model().train(), np.random.default_rng([seed, 2])

    def loss():
        ids, labels = encode([document(rng) for _ in range(BATCH)])
        return answer_loss(model, labels, input_ids=ids)

    fit(model.parameters(), loss, steps, 3e-3, progress)
    return state_of(model)


def expert_batch(skill: str, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return token ids and labels of a batch: half of it the skill, half plain English, so that English stays."""
    return encode_examples([text_example(skill if place % 2 else ENGLISH, rng) for place in range(BATCH)])


def train_expert(base: State, skill: str, seed: int, steps: int | None = None, learning_rate: float = 1e-3,
                 progress=None) -> State:  # fmt: skip
    """Return an expert: the base fine-tuned on text questions of one skill, answers only.

    steps: by default 500 for format and Spanish, 700 and 1,000 for maths in one and two steps.
    """
    model, rng = language_model(base).train(), np.random.default_rng([seed, 3, SKILLS.index(skill)])

    def loss():
        ids, labels = expert_batch(skill, rng)
        return answer_loss(model, labels, input_ids=ids)

    fit(model.parameters(), loss, steps or EXPERT_STEPS[skill], learning_rate, progress)
    return state_of(model)


def train_vision(seed: int, steps: int = 400) -> State:
    """Return a vision tower trained to tell digits apart from the mean of its patches; the classifier is dropped."""
    torch.manual_seed(seed)
    tower, head = CLIPVisionModel(vision_config()), nn.Linear(64, 10)
    train, rng = digits(seed)["train"], np.random.default_rng([seed, 4])
    truth = torch.tensor(train.digits)

    def loss():
        places = torch.tensor(rng.integers(0, len(truth), 128))
        patches = tower(train.pixels[places]).last_hidden_state[:, 1:]  # (batch, patches, width)
        return F.cross_entropy(head(patches.mean(1)), truth[places])

    fit([*tower.parameters(), *head.parameters()], loss, steps, 3e-3)
    return state_of(tower)


def assemble(base: State, tower: State, seed: int):
    """Return a VLM of the base and the tower with a random projector."""
    torch.manual_seed(seed + 1_000)
    model = vision_language_model()
    model.model.language_model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in base.items()
                                                if name.startswith("model.")})
    model.lm_head.load_state_dict({"weight": base["lm_head.weight"]})
    model.model.vision_tower.load_state_dict(tower)
    return model


def image_features(model, pixels: Tensor) -> Tensor:
    """Return the tower's patch states (images, patches, width) that the projector reads."""
    with torch.no_grad():
        return model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-1][:, 1:]


def embed(table: nn.Embedding, ids: Tensor, soft: Tensor) -> Tensor:
    """Return the input embeddings (batch, length, width), image tokens replaced by the projected patches `soft`."""
    embeddings = table(ids)
    return embeddings.masked_scatter((ids == IMAGE)[..., None], soft)


def language_half(vlm) -> nn.Module:
    """Return a VLM's language model, its weights shared, under the names of `LlamaForCausalLM`."""
    half = nn.Module()
    half.model, half.lm_head = vlm.model.language_model, vlm.lm_head
    return half


def image_batch(train: Images, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return places of images, token ids and labels of plain English questions about them."""
    places = rng.integers(0, len(train.digits), BATCH)
    ids, labels = encode_examples([image_example(ENGLISH, int(train.digits[place]), rng) for place in places])
    return torch.tensor(places), ids, labels


def train_vlm(base: State, tower: State, seed: int, recipe: str) -> State:
    """Return a VLM: base, frozen tower and projector tuned on plain English questions about images.

    recipe "joint": projector and language model together, 700 steps at 3e-4. "two_stage", as LLaVA: the projector
    alone for 200 steps at 3e-3, then both for 500 at 7e-4. The base's documents are reread at weight .25.
    """
    model, rng = assemble(base, tower, seed).train(), np.random.default_rng([seed, 5])
    train = digits(seed)["train"]
    features = image_features(model, train.pixels)
    projector, text = model.model.multi_modal_projector, language_half(model)

    def loss():
        places, ids, labels = image_batch(train, rng)
        soft = projector(features[places])  # (batch, patches, width)
        seen = answer_loss(text, labels, inputs_embeds=embed(model.get_input_embeddings(), ids, soft))
        ids, labels = encode([document(rng) for _ in range(16)])
        return seen + 0.25 * answer_loss(text, labels, input_ids=ids)

    both = [*projector.parameters(), *text.parameters()]
    if recipe == "two_stage":
        fit(projector.parameters(), loss, 200, 3e-3)
        fit(both, loss, 500, 7e-4)
    elif recipe == "joint":
        fit(both, loss, 700, 3e-4)
    else:
        raise ValueError(f"recipe is 'joint' or 'two_stage', got {recipe!r}")
    return state_of(model)

