"""The plan of a merge: every tensor of a VLM paired with the base's and the experts', or kept with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from transformers import CONFIG_MAPPING

from .names import EMBEDDING, HEAD, is_computed, language_name, language_tensors, vision_part
from .vocabulary import Vocabulary, shared_rows

Shape = tuple[int, ...]
DType = str | torch.dtype
Tensors = Mapping[str, tuple[Shape, DType]]
MERGE, KEEP = "merge", "keep"


@dataclass(frozen=True)
class Pair:
    """What happens to one tensor of the VLM.

    vlm, base, experts: the tensor's name in each model; base is None where it is kept. action: "merge" or "keep".
    shape, dtype: the VLM's, and the result's; arithmetic is in float32 whatever the dtypes are.
    rows: how many leading rows are merged, the others stay the VLM's; None for all.
    """

    vlm: str
    base: str | None
    experts: tuple[str, ...]
    action: str
    reason: str
    shape: Shape
    dtype: DType
    rows: int | None = None

    @property
    def expert(self) -> str | None:
        """Return the tensor's name in the first expert."""
        return self.experts[0] if self.experts else None


@dataclass(frozen=True)
class _Model:
    """One model's tensors; `names` are those that may be merged, by their names without prefix."""

    owner: str
    tensors: Tensors
    names: dict[str, str]

    def shape(self, short: str) -> Shape:
        return tuple(self.tensors[self.names[short]][0])


def plan_pairs(vlm: Tensors, base: Tensors, expert: Tensors | Sequence[Tensors], model_type: str | None = None, *,
               vocabularies: Sequence[Vocabulary | None] | None = None,
               only: str | Callable[[str], bool] | None = None) -> list[Pair]:  # fmt: skip
    """Return one Pair for each tensor of the VLM, in the VLM's order.

    vlm, base, expert: {name: (shape, dtype)}; several experts as a list. vocabularies: {token: row} of VLM, base and
    experts, as `read_vocabulary` gives them, to pair rows by token. only: a regular expression or a function of the
    base's tensor name; what it does not match stays the VLM's and need not fit.
    Raises ValueError, naming the first tensors, for tensors that are missing, extra, of another shape, quantised or of
    an adapter, and for a head or a vocabulary that cannot be paired. model_type is named there.
    """
    experts = [expert] if isinstance(expert, Mapping) else list(expert)
    owners = ["the VLM", "the base", *(_expert_name(place, len(experts)) for place in range(len(experts)))]
    models = [_model(*each, _wanted(only)) for each in zip(owners, [vlm, base, *experts])]
    models, tied = _with_heads(models)
    _check_names(models, model_type)
    rows = _check_shapes(models, vocabularies or [None] * len(models))
    return [_pair(name, models, tied, rows, _wanted(only)) for name in vlm]


def without_tied_head(tensors: Tensors, config: Mapping) -> dict[str, tuple[Shape, DType]]:
    """Return a language model's tensors less a head that its configuration (config.json) says is the embedding.

    Some programs write such a head a second time. A configuration that is silent has its model type's default.
    """
    short = {language_name(name) for name in tensors}
    if EMBEDDING not in short or not _is_tied(config):
        return dict(tensors)
    return {name: about for name, about in tensors.items() if language_name(name) != HEAD}


def _is_tied(config: Mapping) -> bool:
    for part in (config, config.get("text_config") or {}):
        if "tie_word_embeddings" in part:
            return bool(part["tie_word_embeddings"])
    known = config.get("model_type") in CONFIG_MAPPING
    return known and bool(getattr(CONFIG_MAPPING[config["model_type"]](), "tie_word_embeddings", False))


def _expert_name(place: int, count: int) -> str:
    return "the expert" if count == 1 else f"expert {place}"


def _wanted(only: str | Callable[[str], bool] | None) -> Callable[[str], bool]:
    """Return a test of a name without prefix."""
    if only is None:
        return lambda short: True
    matches = only if callable(only) else lambda name: re.search(only, name) is not None
    return lambda short: bool(matches(_base_name(short)))


def _base_name(short: str) -> str:
    """Return a tensor's name in a language model of transformers."""
    return f"model.{short}" if re.match(r"(layers|embed_tokens|norm)\.", short) else short


def _model(owner: str, tensors: Tensors, wanted: Callable[[str], bool]) -> _Model:
    """Return a model with the names that may be merged. Raises ValueError for adapters and quantised weights."""
    if adapter := next((name for name in tensors if "lora_" in name), None):
        raise ValueError(f"{owner} is a LoRA adapter ({adapter}), expected a whole model; "
                         "merge it into its base first (peft's merge_and_unload)")  # fmt: skip
    names = {short: name for short, name in language_tensors(tensors).items() if wanted(short)}
    for name in names.values():
        if not _is_float(dtype := tensors[name][1]):
            raise ValueError(f"{owner}'s {name} is {dtype}, expected float64, float32, float16 or bfloat16; "
                             "merge the model that was quantised, then quantise the result")  # fmt: skip
    return _Model(owner, tensors, names)


def _is_float(dtype: DType) -> bool:
    """Return whether a dtype, torch's or as a safetensors file names it, is a plain float of 16 bits or more."""
    if isinstance(dtype, torch.dtype):
        return dtype.is_floating_point and dtype.itemsize > 1
    return dtype in ("F64", "F32", "F16", "BF16")


def _with_heads(models: list[_Model]) -> tuple[list[_Model], list[str]]:
    """Return the models, the embedding standing for a head that one lacks, and the owners of such heads.

    Raises ValueError for a head that has no place in the result, and for one that was lost.
    """
    vlm, base, *experts = models
    have = [model for model in models[1:] if HEAD in model.names]
    if HEAD not in vlm.names:
        if have and EMBEDDING in vlm.names:
            raise ValueError(f"{have[0].owner} has a head of its own ({have[0].names[HEAD]}), the VLM's is its "
                             "embedding; if it is a copy of the embedding, set tie_word_embeddings to true in "
                             'config.json beside it, else leave both out: only="layers|norm"')  # fmt: skip
        return models, []
    if HEAD in base.names and (lacking := [model for model in experts if HEAD not in model.names]):
        raise ValueError(f"{lacking[0].owner} has no {HEAD}, the base has one; was its file saved without the head?")
    tied = [model.owner for model in models[1:] if HEAD not in model.names and EMBEDDING in model.names]
    return [replace(model, names=model.names | {HEAD: model.names[EMBEDDING]}) if model.owner in tied else model
            for model in models], tied  # fmt: skip


def _check_names(models: list[_Model], model_type: str | None) -> None:
    """Raise ValueError unless all models have the language-model tensors of the base."""
    vlm, base, *experts = models
    if not vlm.names.keys() & base.names.keys():
        kind = f" of type {model_type}" if model_type else ""
        raise ValueError(f"the base has no partner for any tensor of the VLM{kind} (VLM: {_first(vlm.names.values())}; "
                         f"base: {_first(base.names.values())}); give the language model that the VLM was made of, "
                         "and an `only` that matches some of its names")  # fmt: skip
    for model in (vlm, *experts):
        missing = [name for short, name in base.names.items() if short not in model.names]
        extra = [name for short, name in model.names.items() if short not in base.names and _is_language(model, short)]
        wrong = [f"{what} ({_first(names)})" for what, names in ((f"lacks {len(missing)} of its tensors", missing),
                 (f"has {len(extra)} more", extra)) if names]  # fmt: skip
        if wrong:
            raise ValueError(f"expected the base's {len(base.names)} tensors, but {model.owner} {' and '.join(wrong)}; "
                             "was it made from this base?")  # fmt: skip


def _is_language(model: _Model, short: str) -> bool:
    """Return whether a tensor without partner should have one: in a VLM, if it is named as a language model's."""
    return model.owner != "the VLM" or re.match(r"(layers|embed_tokens|norm|lm_head)\.", short) is not None


def _first(names, count: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")


def _check_shapes(models: list[_Model], vocabularies: Sequence[Vocabulary | None]) -> dict[str, int]:
    """Return {name without prefix: rows to merge} for embedding and head. Raises ValueError where shapes differ."""
    rows, wrong, owners = {}, [], [model.owner for model in models]
    shared = cache(lambda *counts: shared_rows(owners, counts, vocabularies))
    for short in models[1].names:
        shapes = [model.shape(short) for model in models]
        first = 1 if short in (EMBEDDING, HEAD) else 0
        if any(shape[first:] != shapes[0][first:] for shape in shapes):
            wrong.append(f"{models[0].names[short]} {_against(models, shapes)}")
        elif first:
            rows[short] = shared(*(shape[0] for shape in shapes))
    if wrong:
        raise ValueError(f"shapes differ in {len(wrong)} of {len(models[1].names)} tensors: {_first(wrong)}; "
                         "are these models of one size, made from one base?")
    return rows


def _against(models: list[_Model], shapes: list[Shape]) -> str:
    return " against ".join(f"{'x'.join(map(str, shape))} ({model.owner})" for model, shape in zip(models, shapes))


def _pair(name: str, models: list[_Model], tied: list[str], rows: dict[str, int],
          wanted: Callable[[str], bool]) -> Pair:  # fmt: skip
    """Return the Pair of one tensor of the VLM."""
    shape, dtype = models[0].tensors[name]
    shape, short = tuple(shape), language_name(name)
    if models[0].names.get(short) != name or short not in models[1].names:
        return Pair(name, None, (), KEEP, _why_kept(name, wanted(short)), shape, dtype)
    base, *experts = (model.names[short] for model in models[1:])
    count = rows.get(short)
    if count is not None and count >= shape[0]:
        count = None
    reason = "language model"
    if short == HEAD and tied:
        reason += f"; tied in {' and '.join(tied)}: the embedding stands for the head"
    if count is not None:
        reason += f"; rows 0 to {count - 1} merged, {shape[0] - count} rows of other tokens kept"
    return Pair(name, base, tuple(experts), MERGE, reason, shape, dtype, count)


def _why_kept(name: str, wanted: bool) -> str:
    """Return why a tensor of the VLM is not merged."""
    if part := vision_part(name):
        return part
    if is_computed(name):
        return "computed from the configuration"
    return "the base has no such tensor" if wanted else "left out by `only`"
