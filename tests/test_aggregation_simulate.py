"""Simulated answers have the frequencies that their settings promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from helpers.aggregation import simulate

MANY = 40_000


def near(count, chance, trials):
    """Whether a binomial count lies within 4.5 standard deviations of its mean: 7 in a million fail by bad luck."""
    return abs(count - chance * trials) <= 4.5 * np.sqrt(max(chance * (1 - chance), 1e-12) * trials) + 1e-9


def rate_is(hits, chance):
    """Whether the share of hits is the chance, as far as so many trials can tell."""
    return near(np.sum(hits), chance, np.size(hits))


@pytest.mark.parametrize("k", [2, 3, 4, 10])
def test_proposition_1(k):
    accuracies = np.array([0.05, 0.3, 0.7, 1.0])
    table = simulate(accuracies, k, MANY, k)
    for s in range(k):
        assert rate_is(table.truth == s, 1 / k)
        rows = table.answers[table.truth == s]
        for model, x in enumerate(accuracies):
            expected = np.full(k, (1 - x) / (k - 1))
            expected[s] = x
            counts = np.bincount(rows[:, model], minlength=k)
            assert np.all(counts[expected == 0] == 0)
            used = expected > 0
            statistic = np.sum((counts - expected * len(rows))[used] ** 2 / (expected * len(rows))[used])
            assert statistic <= chi2.isf(1e-6, max(used.sum() - 1, 1))


def test_models_err_independently():
    table = simulate((0.6, 0.8, 0.3), 4, MANY, 0)
    right = table.answers == table.truth[:, None]
    assert rate_is(right[:, 0] & right[:, 1], 0.48)
    assert rate_is(right.all(axis=1), 0.6 * 0.8 * 0.3)
    wrong = ~right[:, 0] & ~right[:, 2]
    assert rate_is(table.answers[wrong, 0] == table.answers[wrong, 2], 1 / 3)


def test_questions_may_differ_in_options():
    n_options = np.tile([2, 3, 7], MANY // 3)
    table = simulate((0.5, 0.8), n_options, len(n_options), 1)
    for k in (2, 3, 7):
        part = table.subset(questions=n_options == k)
        assert rate_is(part.answers[:, 0] == part.truth, 0.5)
        assert set(np.unique(part.answers)) == set(range(k))
        assert rate_is(part.truth == k - 1, 1 / k)


@pytest.mark.parametrize("copy", [0.0, 0.3, 1.0])
def test_copying(copy):
    """The copier agrees with its model by copying, or else by chance: q = xx' + (1-x)(1-x')/(K-1)."""
    table = simulate((0.7, 0.4, 0.6), 4, MANY, 2, copy=[0, 0, copy], copy_from=0)
    q = 0.7 * 0.6 + 0.3 * 0.4 / 3
    assert rate_is(table.answers[:, 2] == table.answers[:, 0], copy + (1 - copy) * q)
    assert rate_is(table.answers[:, 2] == table.truth, copy * 0.7 + (1 - copy) * 0.6)
    assert rate_is(table.answers[:, 1] == table.answers[:, 0], 0.7 * 0.4 + 0.3 * 0.6 / 3)
    everyone = simulate((0.7, 0.4, 0.6), 4, 500, 2, copy=1.0, copy_from=1)
    assert np.all(everyone.answers == everyone.answers[:, :1])


def test_copy_from_may_differ_between_models():
    table = simulate((0.9, 0.2, 0.5, 0.5), 3, 2_000, 3, copy=[0, 0, 1, 1], copy_from=[0, 0, 0, 1])
    assert np.array_equal(table.answers[:, 2], table.answers[:, 0])
    assert np.array_equal(table.answers[:, 3], table.answers[:, 1])


@pytest.mark.parametrize("k", [2, 5])
def test_slot_bias_without_shuffle_goes_to_option_0(k):
    table = simulate((0.6, 0.6), k, MANY, 4, slot_bias=[0.5, 0.0])
    assert rate_is(table.answers[:, 0] == 0, 0.5 + 0.5 / k)
    assert rate_is(table.answers[:, 1] == 0, 1 / k)
    assert rate_is(table.answers[:, 0] == table.truth, 0.5 / k + 0.5 * 0.6)


@pytest.mark.parametrize("shuffle, together", [("none", 1.0), ("shared", 1.0), ("per_model", 0.25)])
def test_shuffle_decides_whether_biased_models_agree(shuffle, together):
    """Two models that always take the first slot agree always, unless each saw its own order."""
    table = simulate((0.6, 0.6, 0.8), 4, MANY, 5, slot_bias=[1, 1, 0], shuffle=shuffle)
    assert rate_is(table.answers[:, 0] == table.answers[:, 1], together)
    assert rate_is(table.answers[:, 0] == 0, 1.0 if shuffle == "none" else 0.25)
    assert rate_is(table.answers[:, 0] == table.truth, 0.25)
    assert rate_is(table.answers[:, 2] == table.truth, 0.8)


@pytest.mark.parametrize("shuffle", ["none", "shared", "per_model"])
def test_shuffle_stays_inside_a_questions_options(shuffle):
    n_options = np.tile([2, 6], 2_000)
    table = simulate((0.5, 0.5), n_options, 4_000, 6, slot_bias=1.0, shuffle=shuffle)
    assert np.all(table.answers < n_options[:, None])
    if shuffle != "none":
        assert rate_is(table.answers[::2, 0] == 1, 0.5) and rate_is(table.answers[1::2, 1] == 5, 1 / 6)


def test_missing_answers():
    table = simulate((0.6, 0.9, 0.5), 3, MANY, 7, missing=[0.0, 0.25, 1.0])
    assert np.all(table.answers[:, 0] >= 0) and np.all(table.answers[:, 2] == -1)
    assert rate_is(table.answers[:, 1] < 0, 0.25)
    given = table.answers[:, 1] >= 0
    assert rate_is((table.answers[:, 1] == table.truth)[given], 0.9)


def test_the_seed_decides_everything():
    settings = dict(accuracies=(0.6, 0.8), n_options=5, n_questions=200, copy=0.2, copy_from=0, slot_bias=0.1,
                    missing=0.1, shuffle="per_model")
    one, same, other = (simulate(**settings, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.answers, same.answers) and np.array_equal(one.truth, same.truth)
    assert not np.array_equal(one.answers, other.answers)


def test_one_seed_for_simulation_and_relabelling_does_not_tie_them():
    for seed in range(3):
        table = simulate((0.6, 0.6), 4, MANY // 4, seed).relabelled(seed)
        assert all(rate_is(table.truth == s, 0.25) for s in range(4))
        wrong = table.answers[:, 0] != table.truth
        assert rate_is((table.answers[:, 0] - table.truth)[wrong] % 4 == 1, 1 / 3)


def test_no_questions():
    table = simulate((0.6, 0.8), 4, 0, 0, shuffle="per_model")
    assert table.answers.shape == (0, 2) and table.truth.shape == (0,)


@pytest.mark.parametrize("wrong, words", [
    (dict(accuracies=[0.5, np.nan, 0.5]), "accuracies"), (dict(accuracies=[0.5, 1.2, 0.5]), "accuracies"),
    (dict(accuracies=[]), "accuracies"), (dict(accuracies=[[0.5, 0.5]]), "accuracies"),
    (dict(n_options=1), "2 options"), (dict(n_options=0), "2 options"), (dict(n_options=[2, 3]), "n_options"),
    (dict(n_options=4.5), "whole"), (dict(n_options=np.nan), "whole"),
    (dict(copy=0.5), "copy_from"), (dict(copy=0.5, copy_from=3), "copy_from"),
    (dict(copy=0.5, copy_from=-1), "copy_from"), (dict(copy=0.5, copy_from=1.0), "copy_from"),
    (dict(copy=1.5, copy_from=0), "copy"), (dict(slot_bias=[0.1] * 4), "slot_bias"), (dict(slot_bias=-0.1), "slot"),
    (dict(missing=2), "missing"), (dict(missing=np.nan), "missing"), (dict(shuffle="private"), "shuffle"),
])  # fmt: skip
def test_wrong_settings_are_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        simulate(**{"accuracies": [0.6, 0.7, 0.8], "n_options": 4, "n_questions": 10, "seed": 0} | wrong)
