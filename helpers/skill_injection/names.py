"""Which tensor of a VLM's language model is which tensor of its base, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable

HEAD, EMBEDDING = "lm_head.weight", "embed_tokens.weight"

# What stands before a language model's own names, and where.
PREFIXES = {
    "model.language_model.": "LLaVA, Qwen-VL, PaliGemma, InternVL in memory since transformers 5; Qwen3-VL's files",
    "language_model.model.": "files of LLaVA, LLaVA-NeXT, PaliGemma and InternVL, old ones and those written today",
    "language_model.": "the head in those files; LlavaModel and its like in memory, which have no head",
    "model.text_model.": "Idefics3 and SmolVLM, in memory and in files",
    "model.": "a language model; the language model in files of Qwen2-VL, Qwen2.5-VL and LLaVA's own repository",
}
# What a VLM has beside its language model; in memory "model." stands before these too.
PARTS = {
    "vision_tower": "vision encoder",
    "vision_model": "vision encoder",
    "visual": "vision encoder and projector",
    "multi_modal_projector": "projector",
    "mm_projector": "projector",
    "connector": "projector",
    "image_newline": "embedding of an image's line ends",
}
_LANGUAGE = re.compile(f"^(?:{'|'.join(map(re.escape, PREFIXES))})?((?:layers|embed_tokens|norm|lm_head)\\..+)$")
_PART = re.compile(f"^(?:model\\.)?({'|'.join(PARTS)})(?:\\.|$)")


def language_name(name: str) -> str:
    """Return the name of a language model's tensor from "layers", "embed_tokens", "norm" or "lm_head" on.

    Any other name comes back as it is.
    """
    found = _LANGUAGE.match(name)
    return found[1] if found else name


def vision_part(name: str) -> str | None:
    """Return what a VLM's tensor belongs to beside the language model, such as "projector", or None."""
    found = _PART.match(name)
    return PARTS[found[1]] if found else None


def is_computed(name: str) -> bool:
    """Return whether a tensor is a buffer that older files carry and every model computes from its configuration."""
    return name.endswith("rotary_emb.inv_freq")


def language_tensors(names: Iterable[str]) -> dict[str, str]:
    """Return {name without prefix: name} for what may take part in a merge, in the order of `names`.

    That leaves out vision encoder, projector and computed buffers. Raises ValueError if two names stand for one.
    """
    found: dict[str, str] = {}
    for name in names:
        if vision_part(name) or is_computed(name):
            continue
        if (other := found.setdefault(language_name(name), name)) != name:
            raise ValueError(f"expected one model's tensors, but {other} and {name} are the same tensor of one")
    return found


def pair_names(vlm_names: Iterable[str], base_names: Iterable[str]) -> dict[str, str | None]:
    """Return {VLM's name: base's name}, with None for what the base has not (vision encoder, projector).

    Names are those of state dicts or of files. A head that a tied base lacks pairs with the base's embedding.
    Raises ValueError if two names of one model stand for the same tensor.
    """
    vlm_names = list(vlm_names)
    base, partners = language_tensors(base_names), dict.fromkeys(vlm_names)
    if EMBEDDING in base:
        base.setdefault(HEAD, base[EMBEDDING])
    for short, name in language_tensors(vlm_names).items():
        partners[name] = base.get(short)
    return partners
