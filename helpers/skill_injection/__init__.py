"""Cross-modal skill injection (2605.19523): an expert's skill merged into a vision-language model, on tiny models and
on real checkpoints.

Names load on first use, so that merging folders does not wait for what only the tiny models need.
"""

from __future__ import annotations

from importlib import import_module

HOME = {
    "checkpoints": ("merge_checkpoints",),
    "evaluation": ("Examiner", "cascade_score", "graft", "language_part", "text_score"),
    "family": ("Family", "load_family"),
    "merging": ("METHODS", "merge"),
    "results": ("load_results",),
    "vectors": ("cosine", "length", "same_base", "task_vector"),
}
WHERE = {name: file for file, names in HOME.items() for name in names}

__all__ = sorted(WHERE)


def __getattr__(name: str):
    """The public name, its file imported on first use."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{WHERE[name]}"), name)
