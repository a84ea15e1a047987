"""Training on text: a base that reads documents, and experts that each learn one skill from questions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from .batches import encode, encode_examples, packed_loss
from .language import ENGLISH, SKILLS, document, text_example
from .models import State, language_model, state_of

BATCH = 64
EXPERT_STEPS = {"format": 500, "spanish": 500, "one_step": 700, "two_steps": 1_000}


def schedule(steps: int, peak: float, warm_up: int = 50) -> list[float]:
    """Return the learning rate of every step: a linear warm-up to the peak, then a cosine down to 5 % of it."""
    shares = [max(0, step - warm_up) / max(1, steps - warm_up) for step in range(steps)]
    return [peak * min(1, (step + 1) / warm_up) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
            for step, share in enumerate(shares)]  # fmt: skip


def fit(parameters: Iterable[nn.Parameter], loss_at: Callable[[], Tensor], rates: Iterable[float]) -> None:
    """Minimise `loss_at()` in place by AdamW, a step for each learning rate, gradients clipped at length 1."""
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.01, betas=(0.9, 0.98))
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss_at().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def train_base(seed: int, steps: int = 2_000, progress=iter) -> State:
    """Return the base: a language model that has read `document`s, all tokens counted.

    progress: wraps the steps, as `tqdm` does.
    """
    torch.manual_seed(seed)
    model, rng = language_model().train(), np.random.default_rng([seed, 2])

    def loss() -> Tensor:
        return packed_loss(model, *encode([document(rng) for _ in range(BATCH)]))

    fit(model.parameters(), loss, progress(schedule(steps, 3e-3)))
    return state_of(model)


def expert_loss(model, skill: str, seed: int) -> Callable[[], Tensor]:
    """Return a function that gives the loss of a fresh batch: half the skill, half plain English, so that it stays."""
    rng = np.random.default_rng([seed, 3, SKILLS.index(skill)])

    def loss() -> Tensor:
        batch = [text_example(skill if place % 2 else ENGLISH, rng) for place in range(BATCH)]
        return packed_loss(model, *encode_examples(batch))

    return loss


def train_expert(base: State, skill: str, seed: int, steps: int | None = None, learning_rate: float = 1e-3,
                 progress=iter) -> State:  # fmt: skip
    """Return an expert: the base fine-tuned on text questions of one skill, answers only.

    steps: by default 500 for format and Spanish, 700 and 1,000 for maths in one and two steps.
    progress: wraps the steps, as `tqdm` does.
    """
    model = language_model(base).train()
    rates = schedule(steps or EXPERT_STEPS[skill], learning_rate)
    fit(model.parameters(), expert_loss(model, skill, seed), progress(rates))
    return state_of(model)


def train_expert_to_length(base: State, skill: str, seed: int, length: float, learning_rate: float = 2e-3,
                           most_steps: int = 4_000) -> State:  # fmt: skip
    """Return an expert trained at a constant rate until its task vector is `length` long.

    The control for "maths transfers worse because its task vector is longer". Raises ValueError if the steps run out.
    """
    model = language_model(base).train()
    rates = _until_away(model, length, learning_rate, most_steps)
    fit(model.parameters(), expert_loss(model, skill, seed), rates)
    return state_of(model)


def _until_away(model, length: float, rate: float, most_steps: int) -> Iterator[float]:
    start = [parameter.detach().clone() for parameter in model.parameters()]
    for _ in range(most_steps):
        yield rate
        moved = sum(float((new.detach() - old).square().sum()) for new, old in zip(model.parameters(), start)) ** 0.5
        if moved >= length:
            return
    raise ValueError(f"{most_steps} steps gave a task vector of length {moved:.1f}, expected {length:.1f}; "
                     "allow more steps or raise the learning rate")
