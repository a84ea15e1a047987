"""Typical wrong answers to the exercises on votes, as people write them, each with the question that leads out of it.

The docstring of a wrong answer is what the learner reads; functions without such a question are references.
"""

from __future__ import annotations

import numpy as np


def first_of_tied(answers, n_options):
    """When two options tie, why should the first one win?"""
    votes = (answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    return np.eye(n_options)[votes.argmax(axis=1)] * (votes.sum(axis=1, keepdims=True) > 0)


def vote_shares(answers, n_options):
    """Is that the share of the votes, rather than the chance of being chosen?"""
    votes = (answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def empty_rows_share(answers, n_options):
    """What is the chance of each option where nobody answered?"""
    votes = (answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    best = votes == votes.max(axis=1, keepdims=True)
    return best / best.sum(axis=1, keepdims=True)


def minus_one_is_last(answers, n_options):
    """Does -1 index the last option in your code?"""
    votes = (answers[:, :, None] % n_options == np.arange(n_options)).sum(axis=1)
    best = votes == votes.max(axis=1, keepdims=True)
    return best / best.sum(axis=1, keepdims=True)


def tied_each_full(answers, n_options):
    """If two options tie and each gets 1, do the chances still sum to 1?"""
    votes = (answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    return ((votes == votes.max(axis=1, keepdims=True)) & (votes > 0)).astype(float)


def weights_without_options(accuracies, n_options):
    """Where does the number of options enter? A model at 1/K deserves weight 0."""
    x = np.clip(accuracies, 0.001, 0.999)
    return np.log(x / (1 - x))


def weights_times_options(accuracies, n_options):
    """Did you multiply by K instead of K - 1?"""
    x = np.clip(accuracies, 0.001, 0.999)
    return np.log(n_options * x / (1 - x))


def weights_unclipped(accuracies, n_options):
    """What is the weight of a model that is always right? Did you clip first?"""
    with np.errstate(divide="ignore"):
        x = np.asarray(accuracies, dtype=float)
        return np.log((n_options - 1) * x) - np.log(1 - x)


def weights_upside_down(accuracies, n_options):
    """Should a better model weigh less?"""
    x = np.clip(accuracies, 0.001, 0.999)
    return np.log((1 - x) / ((n_options - 1) * x))


def weights_in_bits(accuracies, n_options):
    """Which logarithm did you take? The natural one is asked for, np.log."""
    return ow_weights(accuracies, n_options) / np.log(2)


def ow_weights(accuracies, n_options):
    """Return OW's weights; the reference of the exercise."""
    x = np.clip(accuracies, 0.001, 0.999)
    return np.log((n_options - 1) * x / (1 - x))


def weights_never_negative(accuracies, n_options):
    """A model below chance is informative too: what does its vote tell you?"""
    x = np.clip(accuracies, 0.001, 0.999)
    return np.maximum(np.log((n_options - 1) * x / (1 - x)), 0)


def _votes(answers):
    return (answers[:, :, None] == np.arange(answers.max() + 2)).sum(axis=1)


def overturns(answers, decisions):
    """Return where a decision goes against a strict plurality; the reference of the exercise."""
    votes = _votes(answers)
    strict = np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2]
    return strict & (votes.argmax(axis=1) != decisions)


def overturns_by_blanks(answers, decisions):
    """Do blanks count as votes for an option of their own?"""
    votes = (answers[:, :, None] == np.arange(-1, answers.max() + 1)).sum(axis=1)
    strict = np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2]
    return strict & (votes.argmax(axis=1) - 1 != decisions)


def overturns_ties_too(answers, decisions):
    """Is there a plurality to overturn when two options tie?"""
    return (_votes(answers).argmax(axis=1) != decisions) & (answers >= 0).any(axis=1)


def overturns_majority_only(answers, decisions):
    """Does a plurality need more than half of the votes, or more than any other option?"""
    votes = _votes(answers)
    return (2 * votes.max(axis=1) > (answers >= 0).sum(axis=1)) & (votes.argmax(axis=1) != decisions)


def overturns_first_model(answers, decisions):
    """Did you compare with the first model rather than with the votes?"""
    votes = _votes(answers)
    strict = np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2]
    return strict & (answers[:, 0] != decisions)


def overturns_upheld(answers, decisions):
    """Are those the pluralities that were upheld?"""
    votes = _votes(answers)
    strict = np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2]
    return strict & (votes.argmax(axis=1) == decisions)


def overturns_counted(answers, decisions):
    """One True or False per question is asked for; did you add them up?"""
    return int(overturns(answers, decisions).sum())
