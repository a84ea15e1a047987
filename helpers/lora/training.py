"""One chunk of a sweep: K replicas trained side by side, each as if it were alone."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import cos, pi

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from .loft import LoFT
from .optimizers import AdamW, clip
from .stacked import TARGETS, Replica, stack, targets
from .tasks import IGNORED, Task, Texts
from .variants import METHODS

WARM_UP, CURVE, GRADIENT_TEXTS = 0.03, 24, 64  # share of steps; points of a loss curve; training texts for LoRA-GA


@dataclass(frozen=True)
class Settings:
    """What all replicas of a sweep share. alpha None means alpha = rank, so that s = 1."""

    rank: int = 8
    alpha: float | None = None
    batch_size: int = 16
    steps: int = 240
    modules: tuple[str, ...] = TARGETS


def schedule(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step: linear warm-up over 3 % of the steps, then cosine to 0."""
    warm = max(1, round(WARM_UP * steps))
    return (step + 1) / warm if step < warm else (1 + cos(pi * (step - warm) / max(1, steps - warm))) / 2


def order(seed: int, count: int, wanted: int) -> Int[Tensor, " wanted"]:
    """Return places of training texts: permutations of all of them, one after another, until there are enough."""
    rng = torch.Generator().manual_seed(seed)
    return torch.cat([torch.randperm(count, generator=rng) for _ in range(-(-wanted // count))])[:wanted]


def frozen_copy(model: nn.Module) -> nn.Module:
    """Return a copy of a model's modules over the same numbers, none of which is trained."""
    return copy.deepcopy(model, {id(weight): nn.Parameter(weight.detach(), requires_grad=False)
                                 for weight in model.parameters()})  # fmt: skip


def losses(model: nn.Module, texts: Texts, replicas: int) -> tuple[Float[Tensor, " K"], Tensor]:
    """Return each replica's mean cross-entropy over its labels, and which texts are answered exactly (K, texts)."""
    hidden = model.model(input_ids=texts.ids, use_cache=False).last_hidden_state[:, :-1]
    labels = texts.labels[:, 1:]
    known = labels != IGNORED
    logits, wanted = model.lm_head(hidden[known]), labels[known]
    row = known.nonzero()[:, 0]
    owner = row // (len(labels) // replicas)
    each = F.cross_entropy(logits, wanted, reduction="none")
    total = each.new_zeros(replicas).index_add(0, owner, each) / torch.bincount(owner, minlength=replicas)
    wrong = torch.zeros(len(labels)).index_add(0, row, (logits.argmax(-1) != wanted).float())
    return total, (wrong == 0).view(replicas, -1)


def task_gradients(model: nn.Module, task: Task, names=TARGETS) -> dict[str, Tensor]:
    """Return the gradient of the loss at every target's weight, over the first training texts."""
    model = frozen_copy(model)
    layers = targets(model, names)
    weights = [layer.weight.requires_grad_(True) for layer in layers.values()]
    loss, _ = losses(model, task.train[:GRADIENT_TEXTS], 1)
    found = torch.autograd.grad(loss.sum(), weights)
    return dict(zip(layers, found))


@torch.no_grad()
def score(model: nn.Module, texts: Texts, replicas: int, tokens: int = 2**15) -> dict[str, list[float]]:
    """Return each replica's exact answers in percent and its mean loss, over texts that all replicas get."""
    size = max(1, tokens // (replicas * texts.ids.shape[1]))
    exact, loss = torch.zeros(replicas), torch.zeros(replicas)
    for begin in range(0, len(texts), size):
        part = texts[begin : begin + size]
        repeated = Texts(part.ids.repeat(replicas, 1), part.labels.repeat(replicas, 1))
        found, right = losses(model, repeated, replicas)
        exact, loss = exact + right.sum(1), loss + found * len(part)
    return {"exact": (100 * exact / len(texts)).tolist(), "loss": (loss / len(texts)).tolist()}


class Trainer:
    """Replicas of one form in one model, with their optimizer; a replica that overflows is put back and marked."""

    def __init__(self, model: nn.Module, replicas: list[Replica], settings: Settings,
                 gradients: dict[str, Tensor] | None = None):
        self.model = frozen_copy(model)
        self.replicas = replicas
        self.layers = stack(self.model, replicas, settings.rank, settings.alpha, settings.modules, gradients)
        self.parts = [part for layer in self.layers.values() for part in layer.parts.values()]
        self.first = [part.detach().clone() for part in self.parts]
        self.diverged: list[int | None] = [None] * len(replicas)
        self.optimizer = self._optimizer()

    def _optimizer(self):
        rates = torch.tensor([replica.rate for replica in self.replicas])
        if METHODS[self.replicas[0].method].optimizer == "loft":
            return LoFT([dict(layer.parts) for layer in self.layers.values()], rates)
        factors = [torch.tensor([METHODS[replica.method].rates.get(name, 1.0) for replica in self.replicas])
                   for layer in self.layers.values() for name in layer.parts]  # fmt: skip
        return AdamW(self.parts, [rates * factor for factor in factors])

    def step(self, texts: Texts, place: int, share: float) -> Float[Tensor, " K"]:
        """Train one step and return each replica's loss before it."""
        found, _ = losses(self.model, texts, len(self.replicas))
        for part in self.parts:
            part.grad = None
        found.sum().backward()
        gradients = [part.grad for part in self.parts]
        finite = [found.isfinite(), *(gradient.flatten(1).isfinite().all(1) for gradient in gradients)]
        self._put_back(~torch.stack(finite).all(0), place)
        if not isinstance(self.optimizer, LoFT):
            clip(gradients)
        self.optimizer.step(share)
        return found.detach()

    def _put_back(self, broken: Tensor, place: int) -> None:
        """Return broken replicas to their start for good, so that their overflow ends here."""
        for replica in broken.nonzero()[:, 0].tolist():
            self.diverged[replica] = place if self.diverged[replica] is None else self.diverged[replica]
        gone = torch.tensor([each is not None for each in self.diverged])
        if gone.any():
            for part, first in zip(self.parts, self.first):
                part.data[gone], part.grad[gone] = first[gone], 0.0


def train_chunk(model: nn.Module, task: Task, replicas: list[Replica], settings: Settings,
                gradients: dict[str, Tensor] | None = None, tick=None) -> list[dict]:
    """Return a row for each replica: its scores on validation and test, its loss curve, and where it diverged.

    All replicas must be of one form (`form`). A diverged replica has no losses and no right answers.
    """
    trainer, count, size = Trainer(model, replicas, settings, gradients), len(task.train), settings.batch_size
    orders = {seed: order(seed, count, size * settings.steps) for seed in {replica.seed for replica in replicas}}
    curve, every = [], max(1, settings.steps // CURVE)
    for place in range(settings.steps):
        batch = torch.cat([orders[replica.seed][place * size : (place + 1) * size] for replica in replicas])
        found = trainer.step(task.train[batch], place, schedule(place, settings.steps))
        if place % every == 0 or place == settings.steps - 1:
            curve.append((place, found.tolist()))
        if tick:
            tick(len(replicas))
    scores = {part: score(trainer.model, getattr(task, part), len(replicas)) for part in ("validation", "test")}
    return [_row(replica, trainer.diverged[place], scores, curve, place) for place, replica in enumerate(replicas)]


def _row(replica: Replica, diverged: int | None, scores: dict, curve: list, place: int) -> dict:
    row = {"method": replica.method, "rate": replica.rate, "seed": replica.seed, "diverged": diverged}
    for part, score_of in scores.items():
        row[f"{part}_exact"] = score_of["exact"][place] if diverged is None else 0.0
        row[f"{part}_loss"] = score_of["loss"][place] if diverged is None else None
    row["curve"] = [[step, round(values[place], 4)] for step, values in curve if diverged is None or step < diverged]
    return row


def form(method: str) -> tuple:
    """Return what replicas must have in common to train in one chunk: the shapes of their parts and their optimizer."""
    about = METHODS[method]
    shape = method if about.factors.__name__ != "plain_factors" or method == "dora" else "lora"
    return shape, about.optimizer
