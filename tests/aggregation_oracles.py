"""Slow, literal versions of the rules, straight from their definitions: loops, and no numpy trick from the helpers."""

from __future__ import annotations

from itertools import permutations
from math import exp, log

import numpy as np

from helpers.aggregation import AnswerTable

FLOOR = 1e-10  # the helpers' smallest probability


def random_answers(seed, n_models=4, options=(3,), n_questions=30, missing=0.0) -> AnswerTable:
    """Answers without any sense, each question with one of the numbers of options; the first model answers most."""
    rng = np.random.default_rng(seed)
    n_options = rng.choice(options, n_questions)
    answers = rng.integers(0, n_options[:, None], (n_questions, n_models))
    answers = np.where(rng.random(answers.shape) < missing, -1, answers)
    return AnswerTable(answers, n_options, rng.integers(0, n_options))


def all_relabellings(table: AnswerTable) -> AnswerTable:
    """The table repeated under each of the K! ways to rename K options: what shuffling aims at, without its noise."""
    k = int(table.n_options[0])
    assert np.all(table.n_options == k)
    names = [np.array([*order, -1]) for order in permutations(range(k))]  # the last entry keeps -1
    return AnswerTable(np.concatenate([name[table.answers] for name in names]), k,
                       None if table.truth is None else np.concatenate([name[table.truth] for name in names]))


def renamed(table: AnswerTable, orders) -> AnswerTable:
    """The table with option k of question q called orders[q][k]."""
    rows = np.arange(table.n_questions)
    new = np.where(table.answers < 0, -1, orders[rows[:, None], np.maximum(table.answers, 0)])
    truth = None if table.truth is None else orders[rows, table.truth]
    return AnswerTable(new, table.n_options, truth, table.models)


def conditional(answers, i, s, j, a) -> float:
    """P(A_i = s | A_j = a), counted where both answered; P(A_i = s) where j never gave a; 0 where i never answers."""
    given = [row for row in answers if row[j] == a and row[i] >= 0]
    if not given:
        given = [row for row in answers if row[i] >= 0]
    return sum(row[i] == s for row in given) / len(given) if given else 0.0


def advantages(table: AnswerTable, inverse: bool) -> np.ndarray:
    """Adv_SP or Adv_ISP of Algorithm 2, (questions, options), -inf beyond a question's options."""
    rows = [[int(a) for a in row] for row in table.answers]
    result = np.full((len(rows), int(table.n_options.max())), -np.inf)
    for q, row in enumerate(rows):
        k = int(table.n_options[q])
        alike = [other for other, options in zip(rows, table.n_options) if options == k]
        present = [i for i, answer in enumerate(row) if answer >= 0]
        for s in range(k):
            advantage = sum(row[i] == s for i in present)
            for i in present:
                for j in present:
                    if j == i:
                        continue
                    seen = [a for a in range(k) if a != row[j]] if inverse else [row[j]]
                    expected = sum(conditional(alike, i, s, j, a) for a in seen) / len(seen)
                    advantage -= expected / (len(present) - 1)
            result[q, s] = advantage
    return result


def equation_7(x, table: AnswerTable) -> np.ndarray:
    """The N(N-1)K^2 residuals P(A_i = s | A_j = a) - P_x(A_i = s | A_j = a), one number of options."""
    k, n = int(table.n_options[0]), table.n_models
    residuals = []
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            q = x[i] * x[j] + (1 - x[i]) * (1 - x[j]) / (k - 1)
            for a in range(k):
                given = table.answers[table.answers[:, j] == a, i]
                residuals += [np.mean(given == s) - (q if s == a else (1 - q) / (k - 1)) for s in range(k)]
    return np.array(residuals)


def bayes_posterior(table: AnswerTable, accuracies) -> np.ndarray:
    """P(truth = s | answers) by enumerating the truth, each option alike likely before, (questions, options)."""
    posterior = np.zeros((table.n_questions, int(table.n_options.max())))
    for q, row in enumerate(table.answers.tolist()):
        k = int(table.n_options[q])
        for s in range(k):
            chance = 1.0
            for answer, x in zip(row, accuracies):
                if answer >= 0:
                    chance *= x if answer == s else (1 - x) / (k - 1)
            posterior[q, s] = chance
    return posterior / posterior.sum(axis=1, keepdims=True)


def slow_em(table: AnswerTable, one_coin: bool, prior: str, smoothing: float, steps: int):
    """(parameters, posterior) after so many EM steps of Dawid-Skene from the vote shares, one number of options."""
    k = int(table.n_options[0])
    rows = [[int(a) for a in row] for row in table.answers]
    posterior = []
    for row in rows:
        votes = [row.count(s) for s in range(k)]
        posterior.append([v / sum(votes) if sum(votes) else 1 / k for v in votes])
    maximise = skills if one_coin else confusions
    for _ in range(steps):
        tables = maximise(rows, posterior, k, smoothing)
        shares = [sum(p[s] for p in posterior) / len(rows) if prior == "estimated" else 1 / k for s in range(k)]
        posterior = [one_posterior(row, tables, shares, k) for row in rows]
    return np.array(maximise(rows, posterior, k, smoothing)), np.array(posterior)


def one_posterior(row, tables, shares, k):
    scores = [log(max(shares[s], FLOOR)) + sum(log(tables[i][s][a]) for i, a in enumerate(row) if a >= 0)
              for s in range(k)]
    weights = [exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]


def confusions(rows, posterior, k, smoothing):
    """P(answer | truth) per model, as lists [model][truth][answer]."""
    tables = []
    for i in range(len(rows[0])):
        counts = [[smoothing + sum(p[t] for row, p in zip(rows, posterior) if row[i] == a) for a in range(k)]
                  for t in range(k)]
        tables.append([[max(c / max(sum(line), FLOOR), FLOOR) for c in line] for line in counts])
    return tables


def skills(rows, posterior, k, smoothing):
    """One accuracy per model, written as a confusion matrix whose errors are spread evenly."""
    tables = []
    for i in range(len(rows[0])):
        right = sum(p[row[i]] for row, p in zip(rows, posterior) if row[i] >= 0)
        answered = sum(row[i] >= 0 for row in rows)
        x = (right + smoothing) / max(answered + 2 * smoothing, FLOOR)
        x = min(max(x, FLOOR), 1 - FLOOR)
        tables.append([[x if a == t else (1 - x) / (k - 1) for a in range(k)] for t in range(k)])
    return tables
