"""Task vectors: what fine-tuning changed, how long it is, and whether it starts from this base at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .names import pair_names

State = dict[str, Tensor]
FAR = 0.7  # half of the distance, relative to the base's length, at which unrelated weights of equal size lie


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
    """Whether a model was made from a base: the distance between their weights, relative to the base's length."""

    same: bool
    distance: float
    farthest: str

    def __str__(self) -> str:
        said = "made from this base" if self.same else "made from another base"
        return f"{said} (distance {self.distance:.2f} of the base's length, limit {FAR}; farthest: {self.farthest})"


def same_base(base: State, model: State) -> SameBase:
    """Return whether a model's weights are near enough to a base's to have been fine-tuned from it.

    Fine-tuning moves weights by a small share of their length; weights from another start lie about 1.4 lengths away.
    """
    vector = task_vector(base, model)
    far = {name: float(delta.double().norm() / base[name].double().norm().clamp(min=1e-12))
           for name, delta in vector.items() if delta.dim() > 1}
    distance = length(vector) / max(length(base), 1e-12)
    return SameBase(distance < FAR, distance, max(far, key=far.get, default=""))
