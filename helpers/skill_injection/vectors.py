"""Task vectors: what fine-tuning changed, how long it is, and whether it starts from this base at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .names import pair_names

State = dict[str, Tensor]
FAR = 1.0  # unrelated weights of equal size lie 1.4 lengths apart, rows in another order as far


def task_vector(base: State, other: State) -> State:
    """Return other - base for every tensor of the base, under the base's names; `other` may be a VLM."""
    partners = {partner: name for name, partner in pair_names(other, base).items() if partner is not None}
    return {name: other[partners[name]] - tensor for name, tensor in base.items()}


def length(vector: State) -> float:
    """Return the Euclidean length of a task vector, all tensors together."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in vector.values()))


def cosine(first: State, second: State) -> float:
    """Return the cosine of the angle between two task vectors."""
    dot = sum(float((first[name].double() * second[name].double()).sum()) for name in first)
    return dot / (length(first) * length(second))


@dataclass(frozen=True)
class SameBase:
    """Whether a model was made from a base, and which of its matrices moved farthest, in lengths of the base's."""

    same: bool
    distance: float
    farthest: str

    def __str__(self) -> str:
        said = "made from this base" if self.same else "not made from this base"
        return f"{said} ({self.farthest} moved by {self.distance:.2f} of its length, limit {FAR:g})"


def same_base(base: State, model: State) -> SameBase:
    """Return whether every matrix of a model is near enough to the base's to have been fine-tuned from it.

    Fine-tuning moves a matrix by a share of its length; another start, or a vocabulary in another order, by about 1.4
    lengths.
    """
    far = {name: float(delta.double().norm() / base[name].double().norm().clamp(min=1e-12))
           for name, delta in task_vector(base, model).items() if delta.dim() > 1}
    farthest = max(far, key=far.get)
    return SameBase(far[farthest] < FAR, far[farthest], farthest)
