"""Which tensor of a VLM's language model is which tensor of its base."""

from __future__ import annotations

import re

# What stands before a language model's own names, in memory and in the layouts of published checkpoints.
_PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.text_model.", "model.")
_PREFIX = re.compile("^(" + "|".join(map(re.escape, _PREFIXES)) + ")?")


def language_name(name: str) -> str:
    """Return a tensor's name without what comes before "layers", "embed_tokens", "norm" or "lm_head"."""
    return _PREFIX.sub("", name, count=1)


def pair_names(vlm_names, base_names) -> dict[str, str | None]:
    """Return {VLM's name: base's name, or None where the base has no such tensor (vision tower, projector)}.

    Equal names pair first. Raises ValueError if two base names would stand for one.
    """
    known = set(base_names)
    short = {language_name(name): name for name in base_names}
    if len(short) < len(known):
        raise ValueError("two tensors of the base have the same name once prefixes are dropped; is it one model?")
    return {name: name if name in known else short.get(language_name(name)) for name in vlm_names}
