"""How often models agree, and how far that exceeds chance: all that a label-free rule can see."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .answers import AnswerTable

CHUNK = 2**18  # questions at a time: a million stay under a gigabyte, and BLAS threads wait for each other less often


def effective_options(table: AnswerTable) -> float:
    """Return the number K for which 1/(K - 1) is the mean over the questions: K itself where all have K options."""
    return 1 + 1 / np.mean(1 / (table.n_options - 1.0)) if table.n_questions else 2.0


def joint_counts(table: AnswerTable) -> tuple[Float[np.ndarray, "models models"], Float[np.ndarray, "models models"]]:
    """Return for each pair of models the number of questions both answered, and of those on which they agree."""
    both = np.zeros((table.n_models, table.n_models))
    same = np.zeros_like(both)
    for start in range(0, table.n_questions, CHUNK):
        answers = table.answers[start:start + CHUNK]
        answered = (answers >= 0).astype(np.float32)
        both += answered.T @ answered
        for option in range(int(answers.max(initial=-1)) + 1):
            chose = (answers == option).astype(np.float32)  # (questions, models)
            same += chose.T @ chose
    return both, same


def chance_corrected_agreement(table: AnswerTable, centred: bool = False) -> Float[np.ndarray, "models models"]:
    """Return c, the agreement of each pair scaled so that 0 is chance and 1 is always.

    c = (K q - 1) / (K - 1), q the agreement rate over the questions both answered; under Assumption 1 of 2510.01499
    c_ij = y_i y_j with y = (K x - 1) / (K - 1). NaN on the diagonal and for pairs that share no question.
    centred: chance is taken from how often each of the two picks each option, not 1/K; this removes a label bias,
    but only from answers whose options were not relabelled.
    """
    both, same = joint_counts(table)
    options = effective_options(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = chance_matches(table) / both if centred else 1 / options
        agreement = (same / both - expected) / (1 - 1 / options)
    np.fill_diagonal(agreement, np.nan)
    return agreement


def chance_matches(table: AnswerTable) -> Float[np.ndarray, "models models"]:
    """Return the matches that each pair would have by its label frequencies alone, over jointly answered questions."""
    matches = np.zeros((table.n_models, table.n_models))
    for n_options in np.unique(table.n_options):
        answers = table.answers[table.n_options == n_options]
        answered = (answers >= 0).astype(np.float32)
        both = np.maximum(answered.T @ answered, 1)
        for option in range(n_options):
            picks = (answers == option).astype(np.float32).T @ answered  # model i picked it, model j answered
            matches += picks * picks.T / both
    return matches


def fit_rank_one(agreement: Float[np.ndarray, "models models"], lowest: float, weights=None, sweeps: int = 500,
                 tolerance: float = 1e-12) -> Float[np.ndarray, " models"]:
    """Return y with y_i y_j nearest to c_ij in (weighted) squares over i != j, most of y positive.

    This is Eq. 7 of 2510.01499: the sum over all answer pairs depends on the agreement rates only. Each step solves
    for one y_i, the others fixed: y_i = sum_j c_ij y_j / sum_j y_j^2, kept within [lowest, 1].
    """
    known = ~np.isnan(agreement)
    weights = known.astype(float) if weights is None else np.where(known, weights, 0.0)
    c = np.where(known, agreement, 0.0) * weights
    start = c.sum(1) / np.maximum(weights.sum(1), 1e-300)
    y = np.sqrt(np.maximum(start, 1e-3))
    for _ in range(sweeps):
        before = y.copy()
        for i in range(len(y)):
            scale = weights[i] @ (y * y)
            y[i] = min(max((c[i] @ y) / scale, lowest), 1.0) if scale > 0 else 0.0
        if np.max(np.abs(y - before)) < tolerance:
            break
    return -y if y.sum() < 0 and y.max() <= -lowest else y  # y and -y fit alike
