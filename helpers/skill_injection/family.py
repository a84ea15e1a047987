"""A family: one base, the VLMs and the experts made of it; trained by `make models`, one family is shipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .language import SKILLS
from .models import State
from .training import train_base, train_expert
from .vision import train_vision, train_vlm

DATA = Path(__file__).with_name("data")
SHIPPED = DATA / "family.safetensors"
HIDDEN = DATA / "hidden.safetensors"  # another seed, on which exercises are scored
RECIPES = ("joint", "two_stage")


@dataclass(frozen=True)
class Family:
    """State dicts of one seed: `base`, `vlms` by recipe and `experts` by skill, names as in memory."""

    seed: int
    base: State = field(repr=False)
    vlms: dict[str, State] = field(repr=False)
    experts: dict[str, State] = field(repr=False)


def train_family(seed: int, recipes=RECIPES, skills=SKILLS, progress=iter) -> Family:
    """Return a family trained from nothing (about five minutes of one core for all of it)."""
    base, tower = train_base(seed, progress=progress), train_vision(seed)
    vlms = {recipe: train_vlm(base, tower, seed, recipe) for recipe in recipes}
    experts = {skill: train_expert(base, skill, seed, progress=progress) for skill in skills}
    return Family(seed, base, vlms, experts)


def save_family(family: Family, path) -> None:
    """Write a family as one safetensors file of 16-bit floats; the vision tower, which all VLMs share, once."""
    tensors = {f"base/{name}": tensor for name, tensor in family.base.items()}
    for kind, states in (("vlm", family.vlms), ("expert", family.experts)):
        for key, state in states.items():
            tensors |= {(f"tower/{name}" if "vision_tower" in name else f"{kind}:{key}/{name}"): tensor
                        for name, tensor in state.items()}
    halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    save_file(halves, path, metadata={"seed": str(family.seed)})


def load_family(path=SHIPPED) -> Family:
    """Return the family in a file of `save_family`; without a path, the one that comes with the course."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        seed = int(file.metadata()["seed"])
    states: dict[str, State] = {}
    for name, tensor in load_file(path).items():
        part, _, rest = name.partition("/")
        states.setdefault(part, {})[rest] = tensor.to(torch.float32)
    tower = states.get("tower", {})
    kinds = {kind: {part.split(":")[1]: state for part, state in states.items() if part.startswith(f"{kind}:")}
             for kind in ("vlm", "expert")}
    return Family(seed, states["base"], {key: state | tower for key, state in kinds["vlm"].items()}, kinds["expert"])
