"""From scores to decisions: the weighted vote under every rule, with ties kept in sight."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from .agreement import CHUNK
from .answers import NO_ANSWER, AnswerTable

TIE = 1e-9  # scores closer than this are tied
SURE = 1e-6  # an accuracy of 0 or 1 would weigh infinitely: clip it this far away


class Decisions(np.ndarray):
    """Int array (questions,) of chosen options, -1 where nobody answered; `.tied` (questions, options) marks the best
    options between which the choice was random, None after slicing or arithmetic."""

    tied: Bool[np.ndarray, "questions options"] | None = None

    def __array_finalize__(self, source):
        self.tied = None


def decide(scores: Float[np.ndarray, "questions options"], table: AnswerTable, seed: int) -> Decisions:
    """Return the option of the highest score per question, a random one of those within 1e-9 of it."""
    options = np.arange(scores.shape[1])
    scores = np.where(options < table.n_options[:, None], scores, -np.inf)
    best = scores.max(axis=1, initial=-np.inf, keepdims=True)
    tied = scores >= best - TIE
    tied &= np.any(table.answers >= 0, axis=1, keepdims=True)
    chosen = np.where(tied.any(axis=1), tied.argmax(axis=1), NO_ANSWER)
    several = np.flatnonzero(tied.sum(axis=1) > 1)
    rng = np.random.default_rng([seed, 7])  # its own stream: a shuffle drawn with the same seed must not decide ties
    draw = rng.random((len(several), len(options)))
    chosen[several] = np.where(tied[several], draw, -1).argmax(axis=1)
    decisions = chosen.view(Decisions)
    decisions.tied = tied
    return decisions


def vote_scores(table: AnswerTable, weights) -> Float[np.ndarray, "questions options"]:
    """Return each option's summed weight of the models that chose it; weights (models,) or (questions, models)."""
    width = int(table.n_options.max(initial=2))
    weights = np.broadcast_to(weights, table.answers.shape)
    scores = np.empty((table.n_questions, width))
    for start in range(0, table.n_questions, CHUNK):
        part = slice(start, start + CHUNK)
        answers, part_weights = table.answers[part], weights[part]
        for option in range(width):
            scores[part, option] = np.einsum("qm,qm->q", answers == option, part_weights)
    return scores


def weighted_vote(table: AnswerTable, weights, *, seed: int = 0) -> Decisions:
    """Return the option with the largest summed weight, ties drawn from the seed.

    weights: finite, (models,) or (questions, models); a negative weight counts against the model's answer.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape not in ((table.n_models,), table.answers.shape):
        raise ValueError(f"weights must have one entry per model, shape ({table.n_models},), got {weights.shape}")
    if not np.all(np.isfinite(weights)):
        raise ValueError("weights must be finite, got NaN or infinity; clip accuracies away from 0 and 1 first")
    largest = np.max(np.abs(weights), initial=0.0)  # ties must not depend on the scale of the weights
    return decide(vote_scores(table, weights / largest if largest > 0 else weights), table, seed)


def majority_vote(table: AnswerTable, *, seed: int = 0) -> Decisions:
    """Return the option that most models chose, ties drawn from the seed."""
    return weighted_vote(table, np.ones(table.n_models), seed=seed)


def optimal_weight(table: AnswerTable, accuracies, *, seed: int = 0) -> Decisions:
    """Return the Bayes-optimal decisions for models that err independently (OW, Theorem 1 of 2510.01499).

    accuracies: chance of the right option, one per model in [0, 1]; w = log((K - 1) x / (1 - x)), clipped by 1e-6.
    """
    accuracies = np.asarray(accuracies, dtype=float)
    if accuracies.shape != (table.n_models,):
        raise ValueError(f"accuracies must have one entry per model, shape ({table.n_models},), got {accuracies.shape}")
    if not np.all((accuracies >= 0) & (accuracies <= 1)):
        raise ValueError(f"accuracies must lie in [0, 1], got {accuracies.tolist()}; are they percentages?")
    scores = vote_scores(table, optimal_weights(accuracies, table.n_options))
    return decide(scores, table, seed)  # log odds have a scale: weights of 1e-16 are ties, not preferences


def optimal_weights(accuracies, n_options) -> np.ndarray:
    """Return w = log((K - 1) x / (1 - x)), (models,) for one K, (questions, models) for one K per question."""
    x = np.clip(accuracies, SURE, 1 - SURE)
    options = np.unique(n_options)
    if options.size == 1:
        return np.log((options[0] - 1) * x / (1 - x))
    return np.log(np.asarray(n_options, dtype=float)[:, None] - 1) + np.log(x / (1 - x))
