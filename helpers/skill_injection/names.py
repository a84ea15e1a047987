"""Which tensor of a language model a vision-language model's tensor was made from, by name."""

from __future__ import annotations

from collections.abc import Iterable

# (prefix in the vision-language model, prefix in the language model); the first one that fits counts.
LANGUAGE = (
    ("model.language_model.", "model."),
    ("model.text_model.", "model."),
    ("language_model.model.", "model."),
    ("language_model.lm_head.", "lm_head."),
    ("lm_head.", "lm_head."),
)


def pair_names(vlm_names: Iterable[str], base_names: Iterable[str]) -> dict[str, str | None]:
    """The language model's name for every name of the vision-language model, None where it has no partner.

    A name that both have is its own partner, unless a longer prefix says otherwise.
    """
    base = set(base_names)
    return {name: _partner(name, base) for name in vlm_names}


def _partner(name: str, base: set[str]) -> str | None:
    """The partner of one name among the names of the language model, or None."""
    for prefix, replacement in LANGUAGE:
        if name.startswith(prefix) and replacement + name[len(prefix) :] in base:
            return replacement + name[len(prefix) :]
    return name if name in base else None
