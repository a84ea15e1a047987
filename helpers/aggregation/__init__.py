"""Aggregating the answers of several models: OW, ISP and their rivals (2510.01499), in numpy alone."""

from .answers import AnswerTable
from .dawid_skene import dawid_skene
from .diagnosis import diagnose
from .real_answers import load_council, load_healthcare, load_mmlu_pro
from .rules import RULES, estimate_accuracies, inverse_surprising_popularity, ow_i, ow_l, surprisingly_popular
from .scoring import accuracy, compare
from .simulate import simulate
from .votes import majority_vote, optimal_weight, weighted_vote

__all__ = [
    "RULES", "AnswerTable", "accuracy", "compare", "dawid_skene", "diagnose", "estimate_accuracies",
    "inverse_surprising_popularity", "load_council", "load_healthcare", "load_mmlu_pro",
    "majority_vote", "optimal_weight", "ow_i", "ow_l", "simulate", "surprisingly_popular", "weighted_vote",
]  # fmt: skip
