"""Scores: ties credited exactly, intervals that cover, and what cannot be scored."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from helpers.aggregation import (
    RULES,
    AnswerTable,
    accuracy,
    compare,
    majority_vote,
    optimal_weight,
    simulate,
    weighted_vote,
)
from helpers.aggregation.scoring import bootstrap, credits


def table_of(rows, n_options, truth=None) -> AnswerTable:
    return AnswerTable(np.array(rows), n_options, None if truth is None else np.array(truth))


def test_ties_share_the_credit():
    table = table_of([[0, 1], [0, 0], [1, 2], [-1, -1], [2, -1]], 3, [0, 0, 0, 0, 2])
    for seed in range(5):
        assert credits(majority_vote(table, seed=seed), table).tolist() == [0.5, 1, 0, 0, 1]
    assert accuracy(majority_vote(table), table).value == 0.5


@pytest.mark.parametrize("k", [2, 5])
def test_a_majority_of_two_is_as_good_as_their_mean(k):
    table = simulate((0.9, 0.5), k, 2_000, 0)
    mean = np.mean(table.answers == table.truth[:, None])
    assert accuracy(majority_vote(table), table).value == pytest.approx(mean, abs=1e-12)


def test_exact_credit_is_what_random_draws_give_on_average():
    table = simulate((0.6, 0.7, 0.5, 0.6), 3, 300, 0, missing=0.2)
    drawn = [np.mean(np.asarray(majority_vote(table, seed=seed)) == table.truth) for seed in range(400)]
    error = np.std(drawn) / 20
    assert abs(np.mean(drawn) - accuracy(majority_vote(table), table).value) < 4 * error


def test_a_majority_of_three_is_the_binomial():
    table = simulate([0.7] * 3, 2, 100_000, 0)
    expected = sum(comb(3, n) * 0.7**n * 0.3 ** (3 - n) for n in (2, 3))
    assert accuracy(majority_vote(table), table).value == pytest.approx(expected, abs=0.006)


def test_plain_arrays_have_no_ties():
    table = table_of([[0, 1], [0, 1]], 2, [0, 0])
    assert accuracy(np.array([0, 1]), table).value == 0.5
    assert accuracy(np.array([-1, 0]), table).value == 0.5
    decisions = majority_vote(table)
    assert accuracy(np.asarray(decisions), table).value in (0, 0.5, 1)
    assert decisions[:1].tied is None and (decisions + 0).tied is None


def test_unknown_truth_is_left_out():
    table = table_of([[0, 0], [1, 1], [0, 1]], 2, [0, -1, 1])
    assert credits(majority_vote(table), table).tolist() == [1, 0.5]
    assert accuracy(np.array([0, 1, 0]), table).value == 0.5
    assert compare(table, ["majority_vote"]).questions == 2


@pytest.mark.parametrize("truth", [None, [-1, -1]])
def test_no_truth_no_score(truth):
    table = table_of([[0, 1, 1], [1, 1, 0]], 2, truth)
    with pytest.raises(ValueError, match="no truth"):
        accuracy(majority_vote(table), table)
    with pytest.raises(ValueError, match="no truth"):
        compare(table)


@pytest.mark.parametrize("decisions", [[0], [0, 1, 0], [[0, 1]], 0])
def test_one_decision_per_question(decisions):
    with pytest.raises(ValueError, match="one decision per question"):
        accuracy(np.array(decisions), table_of([[0, 1], [1, 1]], 2, [0, 1]))


def test_interval_is_the_bootstrap_of_the_binomial():
    """For 0 or 1 credits the resampled sum is binomial, whose quantiles are known."""
    from scipy.stats import binom

    values = np.repeat([0.0, 1.0], [300, 700])
    score = bootstrap(values, seed=1)
    low, high = binom.ppf([0.025, 0.975], 1_000, 0.7) / 1_000
    assert score.value == 0.7 and abs(score.low - low) < 0.004 and abs(score.high - high) < 0.004
    assert bootstrap(values, seed=1) == score
    assert bootstrap(np.ones(50)) == type(score)(1.0, 1.0, 1.0)


def test_intervals_cover():
    """Of 300 tables the 95 % interval holds the true accuracy in about 285; 268 to 297 in all but 1 of 10,000 runs."""
    accuracies = (0.6, 0.7, 0.8)
    sheets = [(np.array([a, b, c]), np.prod([x if s else 1 - x for x, s in zip(accuracies, (a, b, c))]))
              for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    expected = sum(chance for sheet, chance in sheets if sheet.sum() >= 2)
    hits = 0
    for seed in range(300):
        table = simulate(accuracies, 2, 400, seed)
        score = accuracy(majority_vote(table), table, seed)
        hits += score.low <= expected <= score.high
    assert 268 <= hits <= 297, f"{hits} of 300"


def test_lifts_are_paired():
    """A rule that differs from the majority in few questions has a narrow lift, however wide its own interval is."""
    table = simulate((0.6, 0.7, 0.8, 0.9), 4, 2_000, 0)
    rows = {row.rule: row for row in compare(table).rows}
    assert set(rows) == set(RULES)
    majority = rows["majority_vote"]
    assert (majority.lift.value, majority.lift.low, majority.lift.high) == (0, 0, 0)
    row = rows["ow_l"]
    assert row.lift.value == pytest.approx(row.accuracy.value - majority.accuracy.value)
    assert row.lift.high - row.lift.low < 0.9 * (row.accuracy.high - row.accuracy.low)
    assert row.lift.low > 0


def test_compare_takes_names_functions_and_dicts():
    table = simulate((0.6, 0.7, 0.8, 0.9), 4, 500, 0)

    def oracle(table, *, seed=0):
        return optimal_weight(table, [0.6, 0.7, 0.8, 0.9], seed=seed)

    result = compare(table, ["ow_l", oracle, majority_vote])
    assert {row.rule for row in result.rows} == {"ow_l", "oracle", "majority_vote"}
    assert [row.accuracy.value for row in result.rows] == sorted((r.accuracy.value for r in result.rows), reverse=True)
    named = compare(table, {"last model": lambda table, *, seed=0: table.answers[:, 3]})
    assert named.rows[0].accuracy.value == np.mean(table.answers[:, 3] == table.truth)
    assert "last model" in repr(named) and "last model" in named._repr_html_() and "%" in repr(named)
    with pytest.raises(ValueError, match="no rule 'owl'"):
        compare(table, ["owl"])


def test_weights_of_any_scale_give_the_same_ties():
    table = simulate((0.6, 0.7, 0.8), 3, 200, 0)
    expected = weighted_vote(table, [0.1, 0.2, 0.3]).tied  # 0.1 + 0.2 ties with 0.3
    assert np.any(expected.sum(axis=1) == 2)
    for scale in (1e-12, 1e-3, 7.0, 1e12, 1e300):
        assert np.array_equal(weighted_vote(table, scale * np.array([0.1, 0.2, 0.3])).tied, expected)


def test_two_models_are_compared_by_the_rules_that_two_allow():
    names = {row.rule for row in compare(simulate([0.8, 0.6], 3, 100, 0)).rows}
    assert names == {name for name in RULES if not name.startswith("ow_l")}
    with pytest.raises(ValueError, match="at least 3 models"):
        compare(simulate([0.8, 0.6], 3, 100, 0), ["ow_l"])
    assert "rule" in repr(compare(simulate([0.8, 0.6], 3, 100, 0), []))
