"""The paper's rules: SP and ISP correct the vote, OW weights it by accuracies estimated without labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .agreement import chance_corrected_agreement, effective_options, fit_rank_one
from .answers import AnswerTable
from .dawid_skene import dawid_skene, fit_one_coin
from .votes import Decisions, decide, majority_vote, optimal_weight, vote_scores


def surprisingly_popular(table: AnswerTable, *, seed: int = 0) -> Decisions:
    """Return the option whose votes exceed most what others' answers predict (SP, Algorithm 2 of 2510.01499)."""
    return decide(vote_scores(table, 1.0) - predicted_votes(table, inverse=False), table, seed)


def inverse_surprising_popularity(table: AnswerTable, *, seed: int = 0, form: str = "literal") -> Decisions:
    """Return the option whose votes exceed most what the answers *not* given predict (ISP, Algorithm 2 of 2510.01499).

    form: "literal" is the paper's double sum over pairs; "linear" is what it amounts to once options are shuffled, a
    vote with weights 1 + mean_i c_ij / (K - 1).
    """
    if form == "literal":
        return decide(vote_scores(table, 1.0) - predicted_votes(table, inverse=True), table, seed)
    if form == "linear":
        return decide(vote_scores(table, linear_weights(table)), table, seed)
    raise ValueError(f'form must be "literal" or "linear", got {form!r}')


def predicted_votes(table: AnswerTable, inverse: bool) -> Float[np.ndarray, "questions options"]:
    """Return sum_i S(s, i) for every option s: the votes that pairs of models lead one to expect.

    The tables P(A_i = s | A_j = a) are counted on the same questions, among questions with equally many options. A
    model that did not answer neither votes nor predicts; with a single answer nothing is predicted.
    """
    predicted = np.zeros((table.n_questions, int(table.n_options.max(initial=2))))
    for n_options in np.unique(table.n_options):
        rows = table.n_options == n_options
        answers = table.answers[rows]
        chose = (answers[:, :, None] == np.arange(n_options)).reshape(len(answers), -1)  # (questions, models*options)
        answered = answers >= 0
        forecast = conditional_tables(chose, answered, inverse)  # (option s, model j and its answer, model i)
        chose = chose.astype(float)
        others = np.maximum(answered.sum(1) - 1, 1)
        for option in range(n_options):
            predicted[rows, option] = np.einsum("qi,qi->q", chose @ forecast[option], answered) / others
    return predicted


def conditional_tables(chose, answered, inverse: bool) -> Float[np.ndarray, "options models_options models"]:
    """Return P(A_i = s | A_j = a), for ISP averaged over the options that j did not choose; 0 where i = j.

    Where j never chose a, nothing is known and P(A_i = s) stands in.
    """
    models = answered.shape[1]
    options = chose.shape[1] // models
    counts = (chose.astype(np.float32).T @ chose.astype(np.float32)).astype(float)  # exact below 2^24 questions
    counts = counts.reshape(models, options, models, options).transpose(1, 2, 3, 0)  # (s, j, a, i)
    given = counts.sum(axis=0)  # (j, a, i): i answered and j chose a
    share = chose.sum(0).reshape(models, options) / np.maximum(answered.sum(0), 1)[:, None]
    table = np.where(given > 0, counts / np.maximum(given, 1), share.T[:, None, None, :])
    if inverse:
        table = (table.sum(axis=2, keepdims=True) - table) / (options - 1)
    table[:, np.arange(models), :, np.arange(models)] = 0
    return table.reshape(options, models * options, models)


def linear_weights(table: AnswerTable, strength: float | None = None) -> np.ndarray:
    """Return w_j = 1 + strength * mean_i c_ij: strength -1 is SP, 0 the majority, 1/(K - 1) ISP (the default)."""
    agreement = chance_corrected_agreement(table)
    known = ~np.isnan(agreement)
    mean = np.where(known, agreement, 0).sum(1) / np.maximum(known.sum(1), 1)
    if strength is not None:
        return 1 + strength * mean
    options = np.unique(table.n_options)
    return 1 + mean / (options[0] - 1) if options.size == 1 else 1 + mean / (table.n_options[:, None] - 1.0)


def estimate_accuracies(table: AnswerTable, method: str = "ow_l", centred: bool = False
                        ) -> Float[np.ndarray, " models"]:
    """Return each model's accuracy, estimated without the truth.

    method: "ow_l" fits agreement rates (Eq. 7 of 2510.01499), "ow_i" takes the agreement with ISP, "em" is one-coin
    Dawid-Skene with a uniform prior. centred (ow_l only) removes label bias from the agreement first.
    NaN for a model that never answers. Raises ValueError for ow_l with fewer than three models: one agreement rate
    cannot tell two accuracies.
    """
    if centred and method != "ow_l":
        raise ValueError(f'centred applies to method "ow_l" only, got {method!r}')
    if method == "ow_l":
        x = _accuracies_from_agreement(table, centred)
    elif method == "ow_i":
        x = _agreement_with_isp(table)
    elif method == "em":
        x = fit_one_coin(table)[0]
    else:
        raise ValueError(f'method must be "ow_l", "ow_i" or "em", got {method!r}')
    return np.where(answer_counts(table) > 0, x, np.nan)


def answer_counts(table: AnswerTable) -> np.ndarray:
    """Return how many questions each model answered."""
    return (table.answers >= 0).sum(axis=0)


def _agreement_with_isp(table: AnswerTable) -> np.ndarray:
    """Return how often each model gives ISP's decision; where options tie for it, each counts for its share."""
    tied = inverse_surprising_popularity(table).tied
    shares = tied / np.maximum(tied.sum(axis=1, keepdims=True), 1)
    given = np.take_along_axis(shares, np.maximum(table.answers, 0).astype(int), axis=1)  # (questions, models)
    return np.sum(given, axis=0, where=table.answers >= 0) / np.maximum(answer_counts(table), 1)


def _accuracies_from_agreement(table: AnswerTable, centred: bool) -> np.ndarray:
    if table.n_answering < 3:
        raise ValueError(f"OW-L needs at least 3 models that answer, got {table.n_answering}: two models give one "
                         f"agreement rate for two unknown accuracies; use majority_vote, or optimal_weight with known "
                         f"accuracies")
    options = effective_options(table)
    y = fit_rank_one(chance_corrected_agreement(table, centred), lowest=-1 / (options - 1))
    return (1 + (options - 1) * y) / options


def ow_l(table: AnswerTable, *, seed: int = 0, centred: bool = False) -> Decisions:
    """Return OW's decisions with accuracies fitted to the agreement rates (OW-L, Eq. 7 of 2510.01499)."""
    return _weigh(table, estimate_accuracies(table, "ow_l", centred), seed)


def ow_i(table: AnswerTable, *, seed: int = 0) -> Decisions:
    """Return OW's decisions with accuracies taken from the agreement with ISP (OW-I of 2510.01499)."""
    return _weigh(table, estimate_accuracies(table, "ow_i"), seed)


def _weigh(table: AnswerTable, accuracies, seed: int) -> Decisions:
    return optimal_weight(table, np.where(np.isnan(accuracies), 0.5, accuracies), seed=seed)  # NaN: it never votes


def _one_coin(table: AnswerTable, *, seed: int = 0) -> Decisions:
    return dawid_skene(table, seed=seed, one_coin=True)


def _centred(table: AnswerTable, *, seed: int = 0) -> Decisions:
    return ow_l(table, seed=seed, centred=True)


RULES = {
    "majority_vote": majority_vote,
    "surprisingly_popular": surprisingly_popular,
    "inverse_surprising_popularity": inverse_surprising_popularity,
    "ow_l": ow_l,
    "ow_l_centred": _centred,
    "ow_i": ow_i,
    "dawid_skene_one_coin": _one_coin,
    "dawid_skene": dawid_skene,
}
