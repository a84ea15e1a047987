"""`merge`: an expert's skill put into a VLM's language model, on plain state dicts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import torch
from torch import Tensor

from .methods import INJECTION, INTERPOLATION, METHODS, Method
from .names import pair_names
from .sparsify import uniform

State = dict[str, Tensor]


def merge(base: State, vlm: State, expert: State | list[State], method: str = "task_arithmetic", *,
          form: str | None = None, only: str | Callable[[str], bool] | None = None, **knobs) -> State:  # fmt: skip
    """Return a VLM's state dict with the expert merged into its language model; the arguments are left as they are.

    expert: a state dict or a list of them, then `scale` may be a list too. Task arithmetic: vlm + scale x (expert -
    base). Tensors that the base does not have (vision tower, projector) are the VLM's own, not copies; the others are
    merged in float32 and come back in the VLM's dtype.
    form: "injection" (vlm + f(expert - base)) or "two_vector" (base + F(vlm - base, expert - base)) where the method
    has both; METHODS[method] says which, and its knobs. only: a regular expression or a function of the base's tensor
    name; what it does not match stays the VLM's.
    Raises ValueError for tensors missing in one model, of another shape or not finite, and for knobs it does not have.
    """
    experts = expert if isinstance(expert, list) else [expert]
    about, form, knobs = check_settings(method, form, knobs, len(experts))
    pairs = pair_names(vlm, base)
    check_models(base, vlm, experts, pairs)
    wanted = only if callable(only) else re.compile(only or "").search
    if isinstance(only, str) and not any(map(wanted, base)):
        raise ValueError(f"only={only!r} matches none of the base's {len(base)} tensors (first: {next(iter(base))})")
    merged = dict(vlm)
    for name, partner in pairs.items():
        if partner is not None and wanted(partner):
            merged[name] = merge_tensor(partner, base[partner], vlm[name], [state[partner] for state in experts],
                                        about, form, knobs)
    return merged


def merge_tensor(name: str, base: Tensor, vlm: Tensor, experts: list[Tensor], about: Method, form: str, knobs: dict,
                 first_row: int = 0) -> Tensor:  # fmt: skip
    """Return one merged tensor in the VLM's dtype, or rows of it from `first_row` on for an elementwise method.

    name: the base's name of the tensor, which seeds random draws. Settings as `check_settings` gives them.
    """
    base, vlm32, *experts = (tensor.to(torch.float32) for tensor in (base, vlm, *experts))
    scales = knobs["scale"]
    if form == INTERPOLATION:
        return interpolate(name, about.name, vlm32, experts, scales, knobs).to(vlm.dtype)
    deltas = [expert - base for expert in experts]
    weights = [1.0] * len(deltas) if about.one_scale else list(scales)
    start = vlm32
    if form != INJECTION:
        deltas, weights, start = [vlm32 - base, *deltas], [1.0, *weights], base
    draws = lambda vector: uniform(base.shape, knobs["seed"], name, vector, first_row)  # noqa: E731
    delta = about.combine(deltas, weights, draws, knobs)
    return (start + (scales[0] * delta if about.one_scale else delta)).to(vlm.dtype)


def interpolate(name: str, method: str, vlm: Tensor, experts: list[Tensor], scales: list[float], knobs: dict) -> Tensor:
    """Return a tensor between the VLM's and the experts', weight sum(scales) on the experts."""
    if method == "slerp":
        return slerp(vlm, experts[0], scales[0])
    if method == "layer_swap" and layer_of(name) < knobs["first_layer"]:
        return vlm
    return vlm + sum(scale * (expert - vlm) for scale, expert in zip(scales, experts))


def layer_of(name: str) -> float:
    """Return the number of a tensor's layer; -1 for what comes before the first, infinity for what comes after."""
    found = re.search(r"layers\.(\d+)\.", name)
    return int(found[1]) if found else -1 if "embed" in name else math.inf


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Return the tensor at a share of the way along the arc between two, flattened; a straight line where the cosine
    of their angle exceeds .9995, as in mergekit."""
    cosine = torch.dot(start.flatten(), end.flatten()) / (start.norm() * end.norm()).clamp(min=1e-12)
    if cosine.abs() > 0.9995:
        return start + share * (end - start)
    angle = torch.acos(cosine)
    return (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / torch.sin(angle)


def check_settings(method: str, form: str | None, knobs: dict, experts: int) -> tuple[Method, str, dict]:
    """Return the method, its form and all its knobs, `scale` as one number an expert. Raises ValueError."""
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    about = METHODS[method]
    form = form or about.form
    if form not in about.forms:
        raise ValueError(f"{method} has the form {' or '.join(about.forms)}; got form={form!r}")
    if unknown := knobs.keys() - about.knobs.keys():
        raise ValueError(f"{method} has no knob {', '.join(sorted(unknown))}; it takes {', '.join(about.knobs)}")
    knobs = about.knobs | knobs
    check_knobs(knobs)
    if experts < 1:
        raise ValueError("expert is an empty list; merge at least one")
    if about.name == "slerp" and experts > 1:
        raise ValueError(f"slerp goes between the VLM and one expert, got {experts}; use linear for several")
    return about, form, knobs | {"scale": check_scales(knobs["scale"], experts, about)}


def check_knobs(knobs: dict) -> None:
    """Raise ValueError for a knob out of its range; scales are checked by `check_scales`."""
    for name in ("density", "rank_share"):
        if name in knobs and not 0 < knobs[name] <= 1:
            raise ValueError(f"{name} is a share above 0 and at most 1, got {knobs[name]}")
    if "top" in knobs and not 0 <= knobs["top"] < 1:
        raise ValueError(f"top is a share from 0 to below 1, got {knobs['top']}")
    if "epsilon" in knobs and not 0 <= knobs["epsilon"] < knobs["density"]:
        raise ValueError(f"epsilon is at least 0 and below the density {knobs['density']}, got {knobs['epsilon']}; "
                         "entries whose chance of staying is 0 could not be made up for")
    if not (knobs.get("steps", 1) >= 1 and knobs.get("learning_rate", 1) > 0):
        raise ValueError(f"steps and learning_rate are above 0, got {knobs['steps']} and {knobs['learning_rate']}")


def check_scales(scale, experts: int, about: Method) -> list[float]:
    """Return one finite scale an expert."""
    scales = [float(each) for each in scale] if isinstance(scale, (list, tuple)) else [float(scale)] * experts
    if len(scales) != experts:
        raise ValueError(f"expected one scale for each of {experts} experts, got {len(scales)}: {scales}")
    if not all(map(math.isfinite, scales)):
        raise ValueError(f"scale is a finite number, got {scales}")
    if about.one_scale and len(set(scales)) > 1:
        raise ValueError(f"{about.name} has one scale for all vectors together, got {scales}")
    return scales


def check_models(base: State, vlm: State, experts: list[State], pairs: dict[str, str | None]) -> None:
    """Raise ValueError unless VLM and experts have every tensor of the base in its shape, with finite values."""
    found = {partner: name for name, partner in pairs.items() if partner is not None}
    if missing := [name for name in base if name not in found]:
        raise ValueError(f"the VLM lacks {len(missing)} of the base's {len(base)} tensors (first: {missing[0]}); "
                         "is this the base that the VLM was made of?")
    for place, expert in enumerate(experts):
        who = "the expert" if len(experts) == 1 else f"expert {place}"
        if missing := [name for name in base if name not in expert]:
            raise ValueError(f"{who} lacks {len(missing)} of the base's tensors (first: {missing[0]}); "
                             "merge a fine-tuned model, not an adapter")
        for name in base:
            check_tensors(name, {"the base": base[name], "the VLM": vlm[found[name]], who: expert[name]})


def check_tensors(name: str, tensors: dict[str, Tensor]) -> None:
    """Raise ValueError unless the owners' tensors have the base's shape and finite values."""
    base = tensors["the base"]
    for owner, tensor in tensors.items():
        if tensor.shape != base.shape:
            shapes = " against ".join("x".join(map(str, each.shape)) for each in (tensor, base))
            raise ValueError(f"{owner} and the base differ in {name}: {shapes}; another tokenizer or another base?")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} of {owner} has NaN or infinite values; its training diverged or its file is "
                             "damaged")
