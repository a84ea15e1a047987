"""Dawid and Skene (1979): expectation maximisation, the baseline that the paper leaves out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .answers import AnswerTable
from .votes import Decisions, decide, vote_scores

TINY = 1e-10  # the smallest probability; its logarithm stays finite


def dawid_skene(table: AnswerTable, *, seed: int = 0, one_coin: bool = False, prior: str = "uniform",
                smoothing: float = 0.5) -> Decisions:
    """Return the most probable options under Dawid-Skene, fitted to the answers alone by EM from the vote shares.

    one_coin: one accuracy per model, errors spread evenly; else a confusion matrix per model.
    prior: "uniform" over a question's options, or "estimated" from the posterior in each step.
    smoothing: pseudo-counts added to each outcome of each model in the M-step, so that none has probability 0.
    """
    fit = fit_one_coin if one_coin else fit_confusion
    posterior = fit(table, prior, smoothing)[1]
    return decide(np.log(np.maximum(posterior, TINY)), table, seed)


def fit_one_coin(table: AnswerTable, prior: str = "uniform", smoothing: float = 0.5, steps: int = 500,
                 tolerance: float = 1e-8
                 ) -> tuple[Float[np.ndarray, " models"], Float[np.ndarray, "questions options"]]:
    """Return each model's accuracy (its prior mean, 1/2, where it never answers) and the posterior over options."""
    answered = table.answers >= 0
    question, model = np.nonzero(answered)
    width = int(table.n_options.max(initial=2))
    flat = question * width + table.answers[answered]  # where each answer stands in the raveled posterior
    others = np.log(table.n_options[question] - 1.0)  # log(K - 1) of each answer's question
    counts = answered.sum(axis=0)

    def accuracies(posterior):
        right = np.bincount(model, posterior.ravel()[flat], minlength=table.n_models)
        return (right + smoothing) / np.maximum(counts + 2 * smoothing, TINY)

    def log_likelihood(x):
        x = np.clip(x, TINY, 1 - TINY)
        scores = np.bincount(flat, np.log(x / (1 - x))[model] + others, table.n_questions * width)
        return scores.astype(float).reshape(-1, width)  # bincount counts in ints where there is no answer

    return _expectation_maximisation(table, prior, smoothing, accuracies, log_likelihood, steps, tolerance)


def fit_confusion(table: AnswerTable, prior: str = "uniform", smoothing: float = 0.5, steps: int = 500,
                  tolerance: float = 1e-8
                  ) -> tuple[Float[np.ndarray, "models options options"], Float[np.ndarray, "questions options"]]:
    """Return each model's P(answer | truth), rows by truth, and the posterior over options."""
    width = int(table.n_options.max(initial=2))
    chose = (table.answers[:, :, None] == np.arange(width)).astype(float)
    chose = chose.reshape(table.n_questions, table.n_models * width)

    def confusion(posterior):
        counts = (posterior.T @ chose).reshape(width, table.n_models, width).swapaxes(0, 1) + smoothing
        return np.maximum(counts / np.maximum(counts.sum(axis=2, keepdims=True), TINY), TINY)  # (model, truth, answer)

    def log_likelihood(tables):
        return chose @ np.log(tables).transpose(0, 2, 1).reshape(-1, width)

    return _expectation_maximisation(table, prior, smoothing, confusion, log_likelihood, steps, tolerance)


def _expectation_maximisation(table, prior, smoothing, maximise, log_likelihood, steps, tolerance):
    """Return (parameters, posterior) once no probability moves by more than the tolerance."""
    if prior not in ("uniform", "estimated"):
        raise ValueError(f'prior must be "uniform" or "estimated", got {prior!r}')
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing must be a number of pseudo-counts, 0 or more, got {smoothing}")
    outside = np.arange(int(table.n_options.max(initial=2))) >= table.n_options[:, None]
    posterior = _vote_shares(table)
    for _ in range(steps):
        parameters = maximise(posterior)
        scores = log_likelihood(parameters)
        if prior == "estimated":
            scores += np.log(np.maximum(posterior.sum(axis=0) / max(len(posterior), 1), TINY))
        scores[outside] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        moved = np.max(np.abs(scores - posterior), initial=0.0)
        posterior = scores
        if moved < tolerance:
            break
    return maximise(posterior), posterior


def _vote_shares(table: AnswerTable) -> np.ndarray:
    """Return each option's share of the votes; even over the options where nobody answered."""
    votes = vote_scores(table, 1.0)
    inside = np.arange(votes.shape[1]) < table.n_options[:, None]
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.maximum(total, 1), inside / table.n_options[:, None])
