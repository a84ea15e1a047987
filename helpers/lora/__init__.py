"""LoRA and the learning rate (2602.04998): twelve variants in one training loop, their best rates, and their curvature.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module

HOME = {
    "finetuning": ("finetune", "suggest_rate"),
    "hessian": ("top_eigenvalue",),
    "models": ("load_base",),
    "results": ("Sweep",),
    "sweeping": ("sweep",),
    "tasks": ("Task", "Texts", "new_pairs", "windows"),
    "variants": ("METHODS",),
}
WHERE = {name: file for file, names in HOME.items() for name in names}

__all__ = sorted(WHERE)


def __getattr__(name: str):
    """The public name, its file imported on first use."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{WHERE[name]}"), name)
