"""The settings that are searched: 24 for every method, fixed after a look at validation images of seed 0 alone."""

from __future__ import annotations

import itertools

SCALES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
DARE_DENSITIES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
DARE_SCALES = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7)


def product(**values) -> list[dict]:
    """Return every combination of the knobs' values."""
    return [dict(zip(values, combination)) for combination in itertools.product(*values.values())]


def steps(first: float, last: float, count: int = 24) -> list[float]:
    """Return evenly spaced values, rounded to a hundredth."""
    return [round(first + (last - first) * place / (count - 1), 2) for place in range(count)]


EIGHT = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0)
GRIDS: dict[str, list[dict]] = {
    "task_arithmetic": product(scale=steps(0.2, 2.5)),
    "dare": product(density=(0.5, 0.75, 1.0), scale=EIGHT),
    "dare_both": product(density=(0.5, 0.75, 1.0), scale=EIGHT),
    "magnitude": product(density=(0.3, 0.6, 1.0), scale=(0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.6)),
    "breadcrumbs": product(density=(0.3, 0.6, 0.99), scale=(0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.6)),
    "della": product(density=(0.4, 0.65, 0.9), scale=EIGHT),
    "ties": product(density=(0.3, 0.6, 1.0), scale=(0.6, 0.9, 1.2, 1.5, 1.8, 2.2, 2.8, 3.5)),
    "ties_mean": product(density=(0.3, 0.6, 1.0), scale=(0.7, 1.2, 2.0, 3.5, 6.0, 12.0, 25.0, 50.0)),
    "ties_sum": product(density=(0.3, 0.6, 1.0), scale=EIGHT),
    "dare_ties": product(density=(0.5, 0.75, 1.0), scale=EIGHT),
    "tsv_m": product(rank_share=(0.25, 0.5, 1.0), scale=(0.6, 0.9, 1.2, 1.6, 2.0, 2.5, 3.0, 4.0)),
    "iso_c": product(scale=steps(0.5, 12.0)),
    "wudi": product(scale=steps(0.2, 2.5)),
    "linear": product(scale=steps(0.08, 1.0)),
    "slerp": product(scale=steps(0.08, 1.0)),
    "layer_swap": product(first_layer=(0, 1, 2), scale=(0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)),
}
# Ends of a grid beyond which a knob cannot go: everything kept, the expert alone, all layers.
NATURAL_ENDS = {"density": (0.9, 0.99, 1.0), "rank_share": (1.0,), "first_layer": (0,)}
NATURAL_SCALES = {method: (1.0,) for method in ("linear", "slerp", "layer_swap")}

NINE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
NINE_OF_TWO = product(density=(0.5, 0.75, 1.0), scale=(0.6, 0.8, 1.0))
PAIR_GRIDS: dict[str, tuple[str, str | None, list[dict]]] = {  # two experts at once: method, form, 9 settings
    "task arithmetic": ("task_arithmetic", None, product(scale=NINE)),
    "DARE": ("dare", None, NINE_OF_TWO),
    "TIES, all three vectors": ("ties_sum", "two_vector", NINE_OF_TWO),
    "TIES, experts alone": ("ties_sum", "injection", NINE_OF_TWO),
    "TSV-M": ("tsv_m", None, product(rank_share=(0.2, 0.25, 0.33), scale=(0.8, 1.1, 1.5))),
}

PARTS: dict[str, str] = {  # regular expressions over the base's tensor names
    "embeddings": r"embed_tokens", "head": r"lm_head", "embeddings and head": r"embed_tokens|lm_head",
    "layer 1": r"layers\.0\.", "layer 2": r"layers\.1\.", "layer 3": r"layers\.2\.",
    "layers 1, 2": r"layers\.[01]\.", "layers 2, 3": r"layers\.[12]\.",
    "layers 2, 3 and head": r"layers\.[12]\.|lm_head",
    "attention": r"self_attn", "mlp": r"mlp", "all layers": r"layers\.", "everything": r".",
}  # fmt: skip
