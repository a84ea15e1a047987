"""Dawid-Skene against a slow EM written out in loops, and what it must find."""

from __future__ import annotations

import numpy as np
import pytest
from aggregation_oracles import bayes_posterior, random_answers, slow_em

from helpers.aggregation import AnswerTable, accuracy, dawid_skene, estimate_accuracies, optimal_weight, simulate
from helpers.aggregation.dawid_skene import fit_confusion, fit_one_coin

TABLE_2 = (0.6, 0.7, 0.8, 0.9)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("prior", ["uniform", "estimated"])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
@pytest.mark.parametrize("options, missing", [(2, 0.0), (3, 0.3), (4, 0.6)])
def test_every_step_is_the_slow_one(options, missing, smoothing, prior, steps):
    table = simulate((0.5, 0.7, 0.9, 0.6), options, 40, options, missing=missing)
    for one_coin, fit in ((True, fit_one_coin), (False, fit_confusion)):
        found, posterior = fit(table, prior, smoothing, steps=steps, tolerance=0.0)
        expected, slow = slow_em(table, one_coin, prior, smoothing, steps)
        np.testing.assert_allclose(posterior, slow, atol=1e-7)
        if one_coin:
            expected = expected[:, 0, 0]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_one_coin_posterior_is_bayes_at_its_own_accuracies():
    """Also where the number of options differs between questions, which the slow EM leaves out."""
    table = random_answers(0, 5, (2, 3, 6), 200, 0.2)
    for _ in range(3):
        found, posterior = fit_one_coin(table)
        np.testing.assert_allclose(posterior, bayes_posterior(table, found), atol=1e-5)
    assert np.all(posterior[np.arange(6) >= table.n_options[:, None]] == 0)


@pytest.mark.parametrize("k", [2, 4, 10])
def test_one_coin_finds_the_accuracies_and_equals_the_oracle(k):
    table = simulate(TABLE_2, k, 10_000, 3)
    np.testing.assert_allclose(estimate_accuracies(table, "em"), TABLE_2, atol=0.03)
    ours, oracle = (accuracy(rule, table).value for rule in (dawid_skene(table, one_coin=True),
                                                             optimal_weight(table, TABLE_2)))
    assert abs(ours - oracle) < 0.003


def test_full_model_finds_confusion_matrices():
    """Model 0 calls option 2 option 1 half of the time; the others err evenly."""
    table = simulate((0.95, 0.8, 0.8, 0.8), 3, 20_000, 0)
    rng = np.random.default_rng(1)
    answers = table.answers.copy()
    mixed = (answers[:, 0] == 2) & (rng.random(len(answers)) < 0.5)
    answers[mixed, 0] = 1
    confusion, _ = fit_confusion(AnswerTable(answers, 3))
    expected = [[0.95, 0.0375, 0.0125], [0.025, 0.9625, 0.0125], [0.025, 0.5, 0.475]]
    np.testing.assert_allclose(confusion[0], expected, atol=0.03)
    np.testing.assert_allclose(confusion.sum(axis=2), 1, atol=1e-9)


def test_estimated_prior_is_used():
    """With a rare option, only the estimated prior knows that it is rare."""
    rng = np.random.default_rng(0)
    truth = (rng.random(4_000) < 0.05).astype(int)
    answers = np.where(rng.random((4_000, 3)) < 0.8, truth[:, None], 1 - truth[:, None])
    table = AnswerTable(answers, 2, truth)
    uniform, estimated = (accuracy(dawid_skene(table, one_coin=True, prior=prior), table).value
                          for prior in ("uniform", "estimated"))
    assert estimated > uniform + 0.02
    _, posterior = fit_one_coin(table, "estimated")
    assert abs(posterior[:, 1].mean() - 0.05) < 0.02
    assert np.array_equal(estimate_accuracies(table, "em"), fit_one_coin(table, "uniform")[0])


@pytest.mark.parametrize("one_coin", [True, False])
def test_below_chance_models_are_turned_round(one_coin):
    table = simulate((0.9, 0.85, 0.8, 0.1, 0.15), 2, 3_000, 0)
    assert accuracy(dawid_skene(table, one_coin=one_coin), table).value > 0.95


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 10.0])
@pytest.mark.parametrize("prior", ["uniform", "estimated"])
@pytest.mark.parametrize("one_coin", [True, False])
def test_edge_cases_have_finite_posteriors(one_coin, prior, smoothing):
    fit = fit_one_coin if one_coin else fit_confusion
    constant = simulate([0.8, 0.8, 0.8], 3, 50, 1).answers.copy()
    constant[:, 0] = 2
    tables = {
        "one question": AnswerTable(np.array([[0, 1, 1]]), 3),
        "one model": simulate([0.7], 3, 20, 0),
        "perfect models": simulate([1.0, 1.0, 0.5], 3, 50, 0),
        "always wrong": simulate([0.0, 0.9, 0.9], 3, 50, 0),
        "all the same": AnswerTable(np.tile([[0], [1], [2]], 4), 3),
        "a silent model": AnswerTable(np.column_stack([constant, np.full(50, -1)]), 3),
        "constant": AnswerTable(constant, 3),
        "nobody answers": AnswerTable(np.full((4, 3), -1), 3),
        "mixed options": random_answers(0, 3, (2, 5), 20, 0.4),
    }
    for case, table in tables.items():
        parameters, posterior = fit(table, prior, smoothing)
        assert np.all(np.isfinite(parameters)) and np.all(np.isfinite(posterior)), case
        np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-9, err_msg=case)
        decisions = dawid_skene(table, one_coin=one_coin, prior=prior, smoothing=smoothing)
        assert np.array_equal(decisions == -1, np.all(table.answers < 0, axis=1)), case


@pytest.mark.parametrize("one_coin", [True, False])
def test_no_questions_no_decisions(one_coin):
    for prior in ("uniform", "estimated"):
        assert dawid_skene(AnswerTable(np.empty((0, 3), int), 4), one_coin=one_coin, prior=prior).shape == (0,)


def test_unanimous_models_are_believed():
    table = AnswerTable(np.tile([[0], [1], [2], [1]], 3), 3)
    assert dawid_skene(table).tolist() == dawid_skene(table, one_coin=True).tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize("settings, words", [({"prior": "flat"}, "prior"), ({"smoothing": -1.0}, "smoothing"),
                                             ({"smoothing": np.nan}, "smoothing"), ({"smoothing": np.inf}, "smooth")])
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        dawid_skene(simulate(TABLE_2, 3, 20, 0), **settings)
