"""What can be proved: Theorem 2's gaps in exact fractions, the plurality bound, the number of voting rules."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np


def theorem_2_gaps(accuracies, n_options: int) -> tuple[Fraction, Fraction]:
    """Return E[Adv_ISP(s*)] - E[Adv_MV(s*)] and E[Adv_MV(s*)] - E[Adv_SP(s*)] as exact fractions.

    With T = sum over i != j of (K x_i - 1)(K x_j - 1)^2 they are T / ((N-1) K (K-1)^3) and T / ((N-1) K (K-1)^2)
    (Theorem 2 of 2510.01499). accuracies: at least two, exact where given as Fractions or strings like "3/5".
    """
    x, k = [Fraction(value) for value in accuracies], n_options
    _at_least_two(x)
    total = sum((k * a - 1) * (k * b - 1) ** 2 for i, a in enumerate(x) for j, b in enumerate(x) if i != j)
    return total / ((len(x) - 1) * k * (k - 1) ** 3), total / ((len(x) - 1) * k * (k - 1) ** 2)


def expected_advantage(accuracies, n_options: int, rule: str) -> Fraction:
    """Return E[Adv(s*)] under Proposition 1, summed over every possible answer sheet as the definition says.

    rule: "mv" (which expects 1/K of each model), "sp" or "isp". An oracle for `theorem_2_gaps`; there are K^N sheets,
    so keep both small.
    """
    x, k = [Fraction(value) for value in accuracies], n_options
    _at_least_two(x)
    same = [[a * b + (1 - a) * (1 - b) / (k - 1) for b in x] for a in x]  # P(A_i = A_j)

    def conditional(i, s, j, a):  # P(A_i = s | A_j = a) of 2510.01499, Eq. 7
        return same[i][j] if s == a else (1 - same[i][j]) / (k - 1)

    def predicted(i, s, sheet):  # S_SP(s, i) or S_ISP(s, i) of Algorithm 2
        others = [j for j in range(len(x)) if j != i]
        if rule == "sp":
            terms = [conditional(i, s, j, sheet[j]) for j in others]
        else:
            terms = [sum(conditional(i, s, j, a) for a in range(k) if a != sheet[j]) / (k - 1) for j in others]
        return sum(terms) / len(others)

    total = Fraction(0)
    for sheet in product(range(k), repeat=len(x)):  # the truth is option 0
        chance = Fraction(1)
        for i, answer in enumerate(sheet):
            chance *= x[i] if answer == 0 else (1 - x[i]) / (k - 1)
        advantage = Fraction(sheet.count(0))
        expected = Fraction(len(x), k) if rule == "mv" else sum(predicted(i, 0, sheet) for i in range(len(x)))
        total += chance * (advantage - expected)
    return total


def isp_can_overturn(n_models: int, n_options: int) -> bool:
    """Return whether ISP can decide against a strict plurality, for models no worse than chance that all answer.

    In the linear form a minority of m against a camp of b and u bystanders wins only if m(m-1+u)/(N-1) > (K-1)(b-m);
    true from N = 4K on for K of 3 or more.
    """
    n, k = n_models, n_options
    if n < 2 or k < 2:
        raise ValueError(f"needs at least 2 models and 2 options, got {n} and {k}")
    bystanders = range(n) if k > 2 else [0]  # with two options nobody stands by
    camps = ((m, n - m - u, u) for u in bystanders for m in range(1, n - u))
    return any(m * (m - 1 + u) > (k - 1) * (b - m) * (n - 1) for m, b, u in camps if b > m and _fits(m, b, u, k))


def _fits(minority: int, camp: int, bystanders: int, n_options: int) -> bool:
    """Return whether bystanders can be spread over the other options without outvoting the camp."""
    return bystanders <= (n_options - 2) * (camp - 1)


def count_voting_rules(n_models: int, n_options: int, draws: int = 4_000, seed: int = 0) -> int:
    """Return how many different decisions tables positive weights w_1 > w_2 > ... give, found by random weights.

    Two weight vectors are the same rule when they decide every answer sheet alike. A lower bound that is exact once
    further draws find nothing new. This is why OW-L and OW-I so often agree to the digit.
    """
    sheets = np.array(list(product(range(min(n_options, n_models)), repeat=n_models)))
    votes = sheets[:, :, None] == np.arange(sheets.max() + 1)  # (sheet, model, option)
    rng = np.random.default_rng(seed)
    weights = -np.sort(-rng.dirichlet(np.ones(n_models), draws), axis=1)
    return len({np.einsum("m,smo->so", w, votes).argmax(axis=1).tobytes() for w in weights})


def _at_least_two(x) -> None:
    if len(x) < 2:
        raise ValueError(f"Theorem 2 compares models with each other: give at least two accuracies, got {len(x)}")
