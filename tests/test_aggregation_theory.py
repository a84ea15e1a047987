"""Theory of module 2: exact fractions against enumeration, the plurality bound, the number of voting rules."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from helpers.aggregation import inverse_surprising_popularity, simulate
from helpers.aggregation.answers import AnswerTable
from helpers.aggregation.theory import count_voting_rules, expected_advantage, isp_can_overturn, theorem_2_gaps


@pytest.mark.parametrize("n_options", [2, 3, 4])
@pytest.mark.parametrize(
    "accuracies", [("3/5", "7/10", "4/5"), ("1/2", "9/10", "3/5", "2/5"), ("1", "1/3"), ("1/7", "2/7", "3/7")]
)
def test_theorem_2_gaps_equal_the_definition_in_exact_fractions(accuracies, n_options):
    mv, sp, isp = (expected_advantage(accuracies, n_options, rule) for rule in ("mv", "sp", "isp"))
    assert theorem_2_gaps(accuracies, n_options) == (isp - mv, mv - sp)


def test_theorem_2_in_numbers():
    """T = sum over ordered pairs of (Kx_i - 1)(Kx_j - 1)^2 by hand for x = (3/4, 3/4), K = 2: 2 * 1/2 * 1/4 = 1/4."""
    assert theorem_2_gaps(["3/4", "3/4"], 2) == (Fraction(1, 8), Fraction(1, 8))
    with pytest.raises(ValueError, match="at least two"):
        theorem_2_gaps(["1/2"], 2)


@pytest.mark.parametrize("n_options, first", [(3, 12), (4, 16), (5, 20), (10, 40)])
def test_isp_overturns_from_four_times_the_options_on(n_options, first):
    assert not any(isp_can_overturn(n, n_options) for n in range(2, first))
    assert all(isp_can_overturn(n, n_options) for n in range(first, first + 10))


def test_with_two_options_odd_from_nine_even_from_fourteen():
    assert [n for n in range(2, 20) if isp_can_overturn(n, 2)] == [9, 11, 13, 14, 15, 16, 17, 18, 19]


def _linear_margin(skills, sheet, n_options):
    """(K - 1) times the margin of option 0 over option 1, from the definition of the weights, nothing simplified."""
    n = len(skills)
    mean = [sum(skills[j] * skills[i] for i in range(n) if i != j) / (n - 1) for j in range(n)]
    weight = [n_options - 1 + each for each in mean]
    return sum(w for w, a in zip(weight, sheet) if a == 0) - sum(w for w, a in zip(weight, sheet) if a == 1)


@pytest.mark.parametrize("n_options", [2, 3])
def test_the_bound_against_all_extreme_skills(n_options):
    """The margin is largest at skills of 0 or 1: enumerate all of them and all camp sizes."""
    for n in range(3, 15 if n_options == 2 else 13):
        found = False
        for minority in range(1, n):
            for camp in range(minority + 1, n - minority + 1):
                rest = n - minority - camp
                if rest and n_options == 2 or rest > (n_options - 2) * (camp - 1):
                    continue
                sheet = [0] * minority + [1] * camp + [2] * rest
                found |= _linear_margin([1] * minority + [0] * camp + [1] * rest, sheet, n_options) > 1e-9
        assert found == isp_can_overturn(n, n_options), n


def test_a_witness_above_the_bound_on_a_real_table():
    table = simulate([0.98] * 12 + [0.25] * 12, 4, 3_000, seed=0)
    sheet = [[0] * 11 + [2] + [1] * 12]
    decisions = inverse_surprising_popularity(AnswerTable(np.vstack([table.answers, sheet]), 4), form="linear")
    assert decisions[-1] == 0  # eleven experts against twelve that guess alike


@pytest.mark.parametrize(
    "n_models, n_options, rules", [(3, 2, 2), (4, 2, 3), (4, 3, 8), (4, 5, 8), (5, 2, 7), (6, 2, 21)]
)
def test_number_of_voting_rules(n_models, n_options, rules):
    assert count_voting_rules(n_models, n_options, draws=6_000, seed=1) == rules


def test_three_rules_of_four_models_by_hand():
    """w1 > w2 > w3 > w4 with two options: only the signs of w1-w2-w3-w4, w1+w4-w2-w3, w1-w2-w3+w4 ... can differ."""
    rng = np.random.default_rng(3)
    signs = set()
    for _ in range(3_000):
        w = np.sort(rng.dirichlet(np.ones(4)))[::-1]
        signs.add(tuple(np.sign(np.dot(s, w)) for s in product([-1, 1], repeat=4)))
    assert len(signs) == count_voting_rules(4, 2) == 3
