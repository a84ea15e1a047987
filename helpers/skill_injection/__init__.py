"""Cross-modal skill injection (2605.19523): an expert's skill merged into a vision-language model, on tiny models and
on real checkpoints."""

from .checkpoints import merge_checkpoints
from .evaluation import Examiner, cascade_score, graft, language_part, text_score
from .family import Family, load_family
from .merging import METHODS, merge
from .results import load_results
from .vectors import cosine, length, same_base, task_vector

__all__ = [
    "METHODS", "Examiner", "Family", "cascade_score", "cosine", "graft", "language_part", "length", "load_family",
    "load_results", "merge", "merge_checkpoints", "same_base", "task_vector", "text_score",
]  # fmt: skip
