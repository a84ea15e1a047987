"""Task vectors: what fine-tuning changed, how long it is, and whether it starts from this base at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .names import pair_names

State = dict[str, Tensor]
FAR = 1.0  # unrelated weights of equal size lie 1.4 lengths apart, rows in another order as far


def partners(base: State, other: State) -> State:
    """Return another model's tensors under the base's names; `other` may be a VLM. Raises ValueError if any lacks."""
    found = {partner: other[name] for name, partner in pair_names(other, base).items() if partner is not None}
    if missing := [name for name in base if name not in found]:
        raise ValueError(f"the model lacks {len(missing)} of the base's {len(base)} tensors (first: {missing[0]})")
    return {name: found[name] for name in base}


def task_vector(base: State, other: State) -> State:
    """Return other - base for every tensor of the base, under the base's names; `other` may be a VLM.

    Raises ValueError for tensors that the other model lacks or has in another shape.
    """
    moved = partners(base, other)
    for name, tensor in base.items():
        if moved[name].shape != tensor.shape:
            raise ValueError(f"{name} is {_shape(moved[name])}, the base's {_shape(tensor)}; another tokenizer?")
    return {name: moved[name] - tensor for name, tensor in base.items()}


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def norms(base: State, other: State) -> dict[str, float]:
    """Return the length of a model's task vector tensor by tensor, and of all together under "total"."""
    vector = task_vector(base, other)
    return {name: length({name: delta}) for name, delta in vector.items()} | {"total": length(vector)}


def length(vector: State) -> float:
    """Return the Euclidean length of a task vector, all tensors together."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in vector.values()))


def cosine(first: State, second: State) -> float:
    """Return the cosine of the angle between two task vectors. Raises ValueError for one of length zero."""
    if not (length(first) and length(second)):
        raise ValueError("a task vector of length zero has no direction; is one of the models the base itself?")
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
        if math.isinf(self.distance):
            return f"{said} ({self.farthest} has another shape; another vocabulary?)"
        return f"{said} ({self.farthest} moved by {self.distance:.2f} of its length, limit {FAR:g})"


def same_base(base: State, model: State) -> SameBase:
    """Return whether every matrix of a model is near enough to the base's to have been fine-tuned from it.

    Fine-tuning moves a matrix by a share of its length; another start, or a vocabulary in another order, by about 1.4
    lengths. Another shape counts as infinitely far. Raises ValueError for tensors that the model lacks.
    """
    far = {name: _distance(base[name], tensor) for name, tensor in partners(base, model).items() if tensor.dim() > 1}
    farthest = max(far, key=far.get)
    return SameBase(far[farthest] < FAR, far[farthest], farthest)


def _distance(base: Tensor, tensor: Tensor) -> float:
    if tensor.shape != base.shape:
        return math.inf
    return float((tensor.double() - base.double()).norm() / base.double().norm().clamp(min=1e-12))
