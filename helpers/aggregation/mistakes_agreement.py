"""Typical wrong answers to the exercises on agreement, each with the question that leads out of it.

The docstring of a wrong answer is what the learner reads; functions without such a question are references.
"""

from __future__ import annotations

import numpy as np


def agreement_over_all(answers):
    """Did you divide by all questions, or by those that both answered?"""
    same = (answers[:, :, None] == answers[:, None, :]) & (answers >= 0)[:, :, None]
    both = (answers >= 0)[:, :, None] & (answers >= 0)[:, None, :]
    return np.where(both.any(axis=0), same.mean(axis=0), np.nan)


def agreement_in_silence(answers):
    """Do two models agree when neither answers?"""
    return (answers[:, :, None] == answers[:, None, :]).mean(axis=0)


def agreement_over_one(answers):
    """Did you divide by the questions one of them answered? The table should be symmetric."""
    answered = answers >= 0
    same = (answers[:, :, None] == answers[:, None, :]) & answered[:, :, None]
    with np.errstate(invalid="ignore"):
        return same.sum(axis=0) / np.where(answered.any(axis=0), answered.sum(axis=0), np.nan)[:, None]


def agreement_zero_for_unknown(answers):
    """What do you know about a pair that shares no question? Is 0 the same as unknown?"""
    answered = answers >= 0
    both = answered[:, :, None] & answered[:, None, :]
    same = (answers[:, :, None] == answers[:, None, :]) & both
    return same.sum(axis=0) / np.maximum(both.sum(axis=0), 1)


def update_with_itself(agreement, skills):
    """Does your sum include the model's agreement with itself, j = i?"""
    return agreement @ skills / (skills @ skills)


def update_all_squares(agreement, skills):
    """Both sums leave out j = i. Does your denominator?"""
    others = agreement - np.diag(np.diag(agreement))
    return others @ skills / (skills @ skills)


def update_without_squares(agreement, skills):
    """Is the denominator the sum of y_j, rather than of y_j squared?"""
    others = 1 - np.eye(len(skills))
    return (agreement * others) @ skills / (others @ skills)


def update_mean_ratio(agreement, skills):
    """Least squares or a mean of ratios: which of them minimises the squared gaps?"""
    others = 1 - np.eye(len(skills))
    return (agreement * others / skills[None, :]).sum(axis=1) / others.sum(axis=1)


def update_one_by_one(agreement, skills):
    """Do all models start from the same skills here, or do later ones see the new ones?"""
    skills = np.array(skills, dtype=float)
    for i in range(len(skills)):
        others = np.arange(len(skills)) != i
        skills[i] = agreement[i, others] @ skills[others] / (skills[others] @ skills[others])
    return skills


def _advantage(answers, tables, predicted, over=None):
    """Return votes minus predictions; `predicted(i, j, a)` forecasts model i's vote from answer a of model j."""
    n_models, n_options = tables.shape[:2]
    scores = np.zeros((len(answers), n_options))
    for q, sheet in enumerate(answers):
        for i in range(n_models):
            scores[q, sheet[i]] += 1
            for j in range(n_models):
                if i != j:
                    scores[q] -= predicted(i, j, sheet[j]) / (over or n_models - 1)
    return scores


def isp_scores(answers, tables):
    """Return ISP's advantage as the definition says; the reference of the exercise."""
    n_options = tables.shape[1]
    return _advantage(answers, tables, lambda i, j, a: (tables[i, :, j].sum(axis=1) - tables[i, :, j, a])
                      / (n_options - 1))


def isp_is_sp(answers, tables):
    """Is that SP? ISP predicts from the answers that were not given."""
    return _advantage(answers, tables, lambda i, j, a: tables[i, :, j, a])


def isp_all_options(answers, tables):
    """Did you average over every answer, the given one included?"""
    return _advantage(answers, tables, lambda i, j, a: tables[i, :, j].mean(axis=1))


def isp_divides_by_options(answers, tables):
    """Did you divide by K instead of K - 1?"""
    return _advantage(answers, tables, lambda i, j, a: (tables[i, :, j].sum(axis=1) - tables[i, :, j, a])
                      / tables.shape[1])


def isp_divides_by_models(answers, tables):
    """A model is predicted from the others: how many are there?"""
    return _advantage(answers, tables, lambda i, j, a: (tables[i, :, j].sum(axis=1) - tables[i, :, j, a])
                      / (tables.shape[1] - 1), over=len(tables))


def isp_wrong_way_round(answers, tables):
    """Who is predicted from whom? tables[i, s, j, a] is P(A_i = s | A_j = a)."""
    return _advantage(answers, tables, lambda i, j, a: (tables[j, :, i].sum(axis=1) - tables[j, :, i, a])
                      / (tables.shape[1] - 1))


def _posterior(answers, n_options, accuracies, odds=None):
    x = np.asarray(accuracies, dtype=float)
    weights = np.log((n_options - 1) * x / (1 - x)) if odds is None else odds(x)
    scores = ((answers[:, :, None] == np.arange(n_options)) * weights[None, :, None]).sum(axis=1)
    posterior = np.exp(scores - scores.max(axis=1, keepdims=True))
    return posterior / posterior.sum(axis=1, keepdims=True)


def _expected_share(answers, posterior, count=None):
    answered = answers >= 0
    of_answer = np.take_along_axis(posterior, np.maximum(answers, 0), axis=1) * answered
    return of_answer.sum(axis=0) / (answered.sum(axis=0) if count is None else count)


def em_step(answers, n_options, accuracies):
    """Return the accuracies after one step of one-coin EM; the reference of the exercise."""
    return _expected_share(answers, _posterior(answers, n_options, accuracies))


def em_hard(answers, n_options, accuracies):
    """Did you take the most probable option instead of weighing all by their probability?"""
    posterior = _posterior(answers, n_options, accuracies)
    return _expected_share(answers, np.eye(n_options)[posterior.argmax(axis=1)])


def em_without_options(answers, n_options, accuracies):
    """Which weight makes exp(score) a likelihood when there are K options?"""
    return _expected_share(answers, _posterior(answers, n_options, accuracies, lambda x: np.log(x / (1 - x))))


def em_votes(answers, n_options, accuracies):
    """Do the given accuracies enter at all, or only the votes?"""
    votes = (answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    return _expected_share(answers, votes / np.maximum(votes.sum(axis=1, keepdims=True), 1))


def em_over_all_questions(answers, n_options, accuracies):
    """Is the mean over all questions, or over those that the model answered?"""
    return _expected_share(answers, _posterior(answers, n_options, accuracies), len(answers))


def em_counts_blanks(answers, n_options, accuracies):
    """What does answer -1 pick from the posterior?"""
    posterior = _posterior(answers, n_options, accuracies)
    return np.take_along_axis(posterior, answers % n_options, axis=1).mean(axis=0)
