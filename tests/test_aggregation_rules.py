"""The rules against slow, literal versions of their definitions and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from aggregation_oracles import advantages, all_relabellings, bayes_posterior, equation_7, random_answers
from scipy.optimize import least_squares

from helpers.aggregation import (
    RULES,
    AnswerTable,
    accuracy,
    estimate_accuracies,
    inverse_surprising_popularity,
    majority_vote,
    optimal_weight,
    ow_i,
    ow_l,
    simulate,
    surprisingly_popular,
    weighted_vote,
)
from helpers.aggregation.agreement import chance_corrected_agreement, fit_rank_one, joint_counts
from helpers.aggregation.rules import linear_weights, predicted_votes
from helpers.aggregation.votes import vote_scores

TABLE_2 = (0.6, 0.7, 0.8, 0.9)
GRID = [((2,), 0.0, 4), ((3,), 0.0, 4), ((4,), 0.3, 3), ((2, 3, 5), 0.0, 3), ((2, 4), 0.4, 5), ((3,), 0.8, 2),
        ((3,), 0.2, 1)]  # fmt: skip


def tied_options(scores):
    """The options within 1e-9 of the best, (questions, options)."""
    return scores >= scores.max(axis=1, keepdims=True) - 1e-9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options, missing, n_models", GRID)
def test_sp_and_isp_are_the_papers_double_sums(options, missing, n_models, seed):
    table = random_answers(seed, n_models, options, 25, missing)
    inside = np.arange(max(table.n_options)) < table.n_options[:, None]
    answered = np.any(table.answers >= 0, axis=1)
    for rule, inverse in ((surprisingly_popular, False), (inverse_surprising_popularity, True)):
        expected = advantages(table, inverse)
        ours = vote_scores(table, 1.0) - predicted_votes(table, inverse)
        np.testing.assert_allclose(ours[inside], expected[inside], atol=1e-6)  # tables are counted in float32
        decisions = rule(table, seed=seed)
        assert np.array_equal(decisions.tied[answered], tied_options(expected)[answered])
        assert np.all(decisions[~answered] == -1)


@pytest.mark.parametrize("n_options", [2, 3, 4])
def test_literal_isp_is_linear_once_every_relabelling_is_there(n_options):
    table = all_relabellings(random_answers(n_options, 5, (n_options,), 20))
    votes = vote_scores(table, 1.0)
    for strength, inverse in ((1 / (n_options - 1), True), (-1.0, False)):
        literal = votes - predicted_votes(table, inverse)
        linear = vote_scores(table, linear_weights(table, strength))
        np.testing.assert_allclose(literal - literal.mean(1, keepdims=True), linear - linear.mean(1, keepdims=True),
                                   atol=1e-5)  # equal up to a constant per question


@pytest.mark.parametrize("n_options", [2, 4, 10])
def test_literal_and_linear_isp_differ_by_noise_after_one_relabelling(n_options):
    gaps = []
    for n_questions in (500, 50_000):
        table = simulate(TABLE_2, n_options, n_questions, n_options).relabelled(1)
        literal = vote_scores(table, 1.0) - predicted_votes(table, inverse=True)
        linear = vote_scores(table, linear_weights(table))
        gaps.append(np.max(np.abs(literal - literal.mean(1, keepdims=True) - linear + linear.mean(1, keepdims=True))))
    assert gaps[1] < 0.25 * gaps[0], "the gap falls as 1 / sqrt(questions), so to about a tenth"


def test_linear_isp_is_a_choice_and_an_unknown_form_is_refused():
    table = simulate(TABLE_2, 4, 4_000, 0)
    same = inverse_surprising_popularity(table) == inverse_surprising_popularity(table, form="linear")
    assert np.mean(same) > 0.99
    with pytest.raises(ValueError, match="literal"):
        inverse_surprising_popularity(table, form="cubic")


@pytest.mark.parametrize("k", [2, 3])
def test_ow_l_minimises_equation_7(k):
    """With every relabelling there, the raw fit of all N(N-1)K^2 terms is the rank-one fit, to solver precision."""
    table = all_relabellings(simulate((0.55, 0.7, 0.8, 0.9), k, 300, 1))
    ours = estimate_accuracies(table)
    raw = least_squares(equation_7, np.full(4, 0.75), args=(table,), bounds=(0, 1), xtol=1e-14, ftol=1e-14, gtol=1e-14)
    np.testing.assert_allclose(ours, raw.x, atol=1e-6)


@pytest.mark.parametrize("k", [2, 4])
def test_ow_l_is_equation_7_within_noise_on_one_relabelling(k):
    table = simulate(TABLE_2, k, 20_000, 5).relabelled(9)
    raw = least_squares(equation_7, np.full(4, 0.75), args=(table,), bounds=(0, 1)).x
    ours = estimate_accuracies(table)
    np.testing.assert_allclose(ours, raw, atol=0.01)
    np.testing.assert_allclose(ours, TABLE_2, atol=0.03)


@pytest.mark.parametrize("accuracies, k", [((0.6, 0.7, 0.9), 2), ((0.5, 0.7, 0.8), 5), ((0.9, 0.2, 0.8), 2)])
def test_three_models_have_a_closed_form(accuracies, k):
    table = simulate(accuracies, k, 5_000, 2)
    c = chance_corrected_agreement(table)
    squares = np.array([c[0, 1] * c[0, 2] / c[1, 2], c[0, 1] * c[1, 2] / c[0, 2], c[0, 2] * c[1, 2] / c[0, 1]])
    sign = np.sign(np.array(accuracies) - 1 / k)
    np.testing.assert_allclose(estimate_accuracies(table), (1 + (k - 1) * sign * np.sqrt(squares)) / k, atol=1e-6)


def test_rank_one_fit_recovers_an_exact_table_and_prefers_models_above_chance():
    y = np.array([0.9, 0.6, -0.3, 0.2, 0.5])
    c = np.outer(y, y)
    np.fill_diagonal(c, np.nan)
    np.testing.assert_allclose(fit_rank_one(c, lowest=-1.0), y, atol=1e-6)
    mirrored = simulate((0.06, 0.62, 0.6, 0.15, 0.6, 0.75), 2, 1_000, 14)
    for order in ([0, 1, 2, 3, 4, 5], [3, 5, 0, 4, 1, 2], [5, 4, 3, 2, 1, 0], [0, 3, 1, 2, 4, 5]):
        found = estimate_accuracies(mirrored.subset(models=order))
        assert np.sum(found - 0.5) > 0, "y and -y fit alike; most models are taken to beat chance"


@pytest.mark.parametrize("options, missing", [((2,), 0.0), ((4,), 0.3), ((2, 3, 6), 0.2)])
def test_optimal_weight_is_bayes(options, missing):
    accuracies = (0.6, 0.75, 0.9, 0.15, 0.5)  # also one below chance
    table = random_answers(3, 5, options, 300, missing)
    posterior = bayes_posterior(table, accuracies)
    decisions = optimal_weight(table, accuracies)
    answered = np.any(table.answers >= 0, axis=1)
    log_posterior = np.log(np.maximum(posterior, 1e-300))
    assert np.array_equal(decisions.tied[answered], tied_options(log_posterior)[answered])


def test_equal_accuracies_give_the_majority_and_chance_gives_no_preference():
    table = simulate([0.6] * 5, 4, 300, 0, missing=0.1)
    assert np.array_equal(optimal_weight(table, [0.7] * 5).tied, majority_vote(table).tied)
    answered = np.any(table.answers >= 0, axis=1)
    for near_chance in (0.25, 0.25 + 1e-15):
        assert np.all(optimal_weight(table, [0.25, 0.25, near_chance, 0.25, 0.25]).tied[answered])


def test_a_perfect_model_is_finite_and_outvotes_five_good_ones():
    table = AnswerTable(np.array([[0, 1, 1, 1, 1, 1]]), 2)
    assert optimal_weight(table, [1.0] + [0.9] * 5)[0] == 0  # log(1e6) = 13.8 against 5 log 9 = 11.0
    assert optimal_weight(table, [0.0] + [0.9] * 5)[0] == 1
    assert optimal_weight(table, [1.0] + [0.95] * 5)[0] == 1


def test_models_that_share_no_question_tell_ow_l_nothing():
    table = AnswerTable(np.array([[0, -1, -1], [-1, 1, -1], [-1, -1, 2]]), 3)
    np.testing.assert_allclose(estimate_accuracies(table), 1 / 3)
    assert np.all(ow_l(table).tied)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_questions_taken_in_chunks_count_the_same(chunk, monkeypatch):
    table = random_answers(0, 4, (2, 5), 100, 0.3)
    both, same = joint_counts(table)
    weights = np.random.default_rng(0).normal(size=table.answers.shape)
    scores = vote_scores(table, weights)
    monkeypatch.setattr("helpers.aggregation.agreement.CHUNK", chunk)
    monkeypatch.setattr("helpers.aggregation.votes.CHUNK", chunk)
    assert np.array_equal(joint_counts(table), (both, same))
    assert np.array_equal(vote_scores(table, weights), scores)
    assert both[0, 1] == np.sum(np.all(table.answers[:, :2] >= 0, axis=1))


def test_ow_i_weighs_by_agreement_with_isp():
    table = simulate((0.5, 0.7, 0.9, 0.6), 4, 800, 0, missing=0.2)
    isp = np.asarray(inverse_surprising_popularity(table))
    share = [np.mean(isp[column >= 0] == column[column >= 0]) for column in table.answers.T]
    np.testing.assert_allclose(estimate_accuracies(table, "ow_i"), share)
    assert np.array_equal(ow_i(table).tied, optimal_weight(table, share).tied)


def test_centring_removes_a_label_bias_and_plain_ow_l_falls_for_it():
    table = simulate((0.85, 0.75, 0.65, 0.4, 0.4, 0.4), 4, 2_000, 0, slot_bias=[0, 0, 0, 0.8, 0.8, 0.8])
    plain, centred = accuracy(ow_l(table), table).value, accuracy(ow_l(table, centred=True), table).value
    assert plain < 0.35 and centred > 0.87  # the brief: 27.8 and 89.9


def test_isp_is_the_majority_with_better_tie_breaks_at_four_models():
    table = simulate(TABLE_2, 4, 3_000, 0)
    votes = vote_scores(table, 1.0)
    isp = np.asarray(inverse_surprising_popularity(table, form="linear"))
    assert np.all(votes[np.arange(len(isp)), isp] == votes.max(axis=1))


@pytest.mark.parametrize("name", ["ow_l", "ow_l_centred"])
@pytest.mark.parametrize("n_models", [1, 2])
def test_two_models_are_too_few_for_ow_l(name, n_models):
    with pytest.raises(ValueError, match="at least 3 models"):
        RULES[name](simulate([0.7] * n_models, 3, 20, 0))
    silent = AnswerTable(np.tile([0, 1, -1], (20, 1)), 3)
    with pytest.raises(ValueError, match="got 2"):
        RULES[name](silent)


@pytest.mark.parametrize("weights, words", [([1, 2], "one entry per model"), ([1, np.nan, 1], "finite"),
                                            ([1, np.inf, 1], "finite"), (1.0, "one entry per model")])
def test_wrong_weights_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        weighted_vote(simulate([0.7] * 3, 3, 20, 0), weights)


@pytest.mark.parametrize("accuracies, words", [([60, 70, 80], "percentages"), ([0.5, np.nan, 0.5], r"\[0, 1\]"),
                                               ([0.5, 0.5], "one entry per model"), ([-0.1, 0.5, 0.5], r"\[0, 1\]")])
def test_wrong_accuracies_are_refused(accuracies, words):
    with pytest.raises(ValueError, match=words):
        optimal_weight(simulate([0.7] * 3, 3, 20, 0), accuracies)


def test_unknown_methods_are_refused():
    table = simulate([0.7] * 3, 3, 20, 0)
    with pytest.raises(ValueError, match="method"):
        estimate_accuracies(table, "ow_x")
    with pytest.raises(ValueError, match="centred"):
        estimate_accuracies(table, "em", centred=True)
